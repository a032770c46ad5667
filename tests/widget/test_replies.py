"""Answers to pages: in their order, within the budget, for any number of requests."""

from __future__ import annotations

import asyncio
import bisect
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
import pytest
from msgspec import structs

from runconsole.view import View
from runconsole.widget.messages import AskDetail, AskPage, AskSnapshot, FromKernel, parse
from runconsole.widget.publisher import BYTES_PER_SECOND, Publisher
from runconsole.widget.replies import WAITING, WHOLE, Budget, PageRequest, Replies, reply_to
from tests.support.folding import START, Folded, execution, fold, task
from tests.widget.test_publisher import JumpingLoop

Message = dict[str, Any]


def answer_to(view: View, request: Any) -> Message:
    """Return the answer as a page reads it."""
    return {**reply_to(view, request)}


class Asked:
    """A run with many tasks, with a page that sends requests, by a clock that jumps."""

    def __init__(self) -> None:
        self.folded = fold(
            [execution("progress_update", task_id=f"t{n}", task_name="x" * 150, status="running") for n in range(400)]
        )
        self.sent: list[tuple[float, int, Message]] = []
        budget = Budget(BYTES_PER_SECOND)
        self.publisher = Publisher(
            self.folded.view,
            send=self._note,
            save=self._note,
            now=lambda: START,
            is_bound=lambda: True,
            budget=budget,
        )
        self.replies = Replies(budget, reply=self._reply, send=self._note)

    def ask(self, **message: Any) -> None:
        """Send a request as a page does."""
        request: Any = message if message["kind"] == "answer" else parse(message)
        self.replies.ask(request)

    def _reply(self, request: PageRequest) -> FromKernel:
        if isinstance(request, AskSnapshot):
            return self.publisher.whole(request.have)
        return request if isinstance(request, dict) else reply_to(self.folded.view, request)

    def _note(self, message: Mapping[str, Any]) -> None:
        size = len(json.dumps(message, separators=(",", ":")))
        self.sent.append((asyncio.get_running_loop().time(), size, dict(message)))

    def of(self, kind: str) -> list[Message]:
        return [message for _, _, message in self.sent if message.get("kind") == kind]

    def run(self, seconds: float, each: Callable[[int], None]) -> None:
        """Publish for that many seconds; call the function each hundredth of a second."""

        async def publish() -> None:
            running = asyncio.create_task(self.publisher.run())
            for number in range(round(seconds * 100)):
                each(number)
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(publish())

    def rates(self) -> tuple[int, int]:
        """Return the most messages and the most bytes of any three seconds."""
        times = [at for at, _, _ in self.sent]
        first = [bisect.bisect_left(times, at - 2.999) for at in times]
        return (
            max(at - begin + 1 for at, begin in enumerate(first)),
            max(sum(size for _, size, _ in self.sent[begin : at + 1]) for at, begin in enumerate(first)),
        )


@pytest.mark.parametrize(
    "request_",
    [
        {"kind": "snapshot", "have": -1},
        {"kind": "page", "table": "tasks", "offset": 0, "limit": 500},
        {"kind": "detail", "table": "tasks", "key": "3"},
        {"kind": "page", "table": "nonsense"},
        {"kind": "answer", "ok": True, "error": None},
    ],
    ids=["snapshot", "page", "detail", "error", "answer"],
)
def test_ten_thousand_requests_are_answered_within_the_budget(request_: Message) -> None:
    asked = Asked()

    def ask(number: int) -> None:
        for n in range(20):
            asked.ask(id=f"q{number}.{n}", **request_)
        asked.folded.feed([execution("progress_update", task_id=f"t{number % 400}", task_name=f"{number}", progress=5)])

    asked.run(5, ask)
    messages, size = asked.rates()
    assert messages <= 3 * 10 + 3
    assert size <= 3 * 200_000 + 120_000  # one large message may stand at the beginning
    assert asked.of("patch"), "the run went on unseen"


def test_urgent_patches_do_not_wait_for_answers() -> None:
    asked = Asked()
    urgent: list[float] = []

    def ask(number: int) -> None:
        for n in range(5):
            asked.ask(kind="page", id=f"{number}.{n}", table="tasks", offset=0, limit=500)
        if number % 50 == 40:
            urgent.append(asyncio.get_running_loop().time())
            asked.folded.feed([task("task.hitl_required", checkpointId=f"c{number}", title="Ship?")])
            asked.publisher.hurry()

    asked.run(5, ask)
    for at in urgent:
        shown_at = next(then for then, _, m in asked.sent if then >= at and "checkpoints" in m.get("changes", {}))
        assert shown_at - at < 0.35


def test_of_too_many_requests_the_newest_are_answered() -> None:
    asked = Asked()
    wanted = range(3 * WAITING)

    def ask(number: int) -> None:
        if number == 0:
            for n in wanted:
                asked.ask(kind="detail", id=str(n), table="tasks", key="3")

    asked.run(60, ask)
    answered = [int(message["id"]) for message in asked.of("detail")]
    assert answered == [0, *wanted[-WAITING:]]


def test_requests_for_the_picture_are_merged() -> None:
    asked = Asked()

    def ask(number: int) -> None:
        if number in {100, 200}:
            have = -1 if number == 100 else asked.folded.view.version
            for _ in range(50):
                asked.ask(kind="snapshot", have=have)

    asked.run(3, ask)
    assert len(asked.of("snapshot")) <= 2
    assert asked.of("snapshot")[-1]["picture"]["tasks"]["total"] == 400


def test_without_a_loop_answers_come_at_once_within_the_budget() -> None:
    sent: list[Message] = []
    view = Asked().folded.view
    replies = Replies(
        Budget(BYTES_PER_SECOND),
        reply=lambda request: reply_to(view, cast("AskPage", request)),
        send=lambda message: sent.append(dict(message)),
    )
    for number in range(10_000):
        replies.ask(AskPage(str(number), "tasks", limit=500))
    assert [message["id"] for message in sent] == [str(number) for number in range(len(sent))]
    assert 0 < sum(len(msgspec.json.encode(message)) for message in sent) < 2_000_000


# ---- rows in parts, options ------------------------------------------------------------------------------------------


def question(**more: Any) -> Folded:
    return fold([task("task.hitl_required", checkpointId="c", title="Ship?", **more)])


def test_a_row_that_is_too_long_for_one_answer_comes_in_parts() -> None:
    diff = "".join(f"+line {n} “quoted”\n" for n in range(20_000))
    view = question(context={"changes": [diff]}).view
    request = AskDetail("q", "checkpoints", "c")
    first = answer_to(view, request)
    assert first["row"] is None
    texts = [answer_to(view, structs.replace(request, part=part))["text"] for part in range(first["parts"])]
    assert texts[0] == first["text"]
    assert max(map(len, texts)) < WHOLE
    assert json.loads("".join(texts))["context"]["changes"] == [diff]


def test_a_row_of_parts_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    folded = question(context={"changes": ["+line\n" * 100_000]})
    made: list[str] = []
    row = View._row

    def counted(view: View, name: str, key: str, item: object, **more: bool) -> Message:
        made.append(key)
        return row(view, name, key, item, **more)

    monkeypatch.setattr(View, "_row", counted)
    request = AskDetail("q", "checkpoints", "c")
    for part in range(5):
        answer_to(folded.view, structs.replace(request, part=part))
    assert made == ["c"]
    folded.feed([task("checkpoint.resolved", checkpointId="c", decision="approve")])
    answer_to(folded.view, request)
    assert made == ["c", "c"]


def test_options_come_in_pages_and_can_be_searched() -> None:
    view = question(options=[{"id": f"o{n}", "label": f"Option {n}"} for n in range(1000)]).view
    request = AskPage("q", "options", of="c")
    page = answer_to(view, structs.replace(request, offset=990))
    assert (page["total"], [row["id"] for row in page["rows"]]) == (1000, [f"o{n}" for n in range(990, 1000)])
    found = answer_to(view, structs.replace(request, search="option 77"))
    assert [row["id"] for row in found["rows"]] == ["o77", *(f"o{n}" for n in range(770, 780))]
    assert answer_to(view, structs.replace(request, of="unknown"))["rows"] == []


def test_an_unknown_table_is_answered_in_a_short_sentence() -> None:
    answer = answer_to(Folded().view, AskPage("q", "x" * 100_000))
    assert (answer["kind"], answer["id"], answer["ok"]) == ("answer", "q", False)
    assert len(answer["error"]) <= 500
