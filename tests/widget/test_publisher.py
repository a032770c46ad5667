"""The publisher: versioned patches in order, never more than the browser can take, no loss at the end."""

from __future__ import annotations

import asyncio
import bisect
import json
import selectors
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, cast

import pytest

from runconsole.view import View
from runconsole.view.view import AT_ONCE
from runconsole.widget import publisher as publisher_module
from runconsole.widget.publisher import Publisher
from tests.servers.json_server import PATIENCE
from tests.support.folding import START, Folded, execution, task

Message = dict[str, Any]


class Panel:
    """A run with a publisher whose messages are kept instead of sent."""

    def __init__(self) -> None:
        self.folded = Folded()
        self.sent: list[Message] = []
        self.saved: list[Message] = []
        self.bound = False
        self.publisher = Publisher(
            self.folded.view,
            send=lambda message: self.sent.append({**message}),
            save=lambda picture: self.saved.append({**picture}),
            now=lambda: START,
            is_bound=lambda: self.bound,
        )

    def of(self, kind: str) -> list[Message]:
        return [message for message in self.sent if message["kind"] == kind]

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.publisher.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - the publisher has no event to wait for
                await asyncio.sleep(0.002)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("TICK", 0.01), ("HEARTBEAT", 0.05), ("DURABLE", 0.05)):
        monkeypatch.setattr(publisher_module, name, seconds)


def test_a_patch_has_a_base_and_no_change_sends_none() -> None:
    panel = Panel()
    assert panel.publisher.patch() > 0
    assert panel.publisher.patch() == 0
    panel.folded.feed([execution("progress_update", task_id="t")])
    panel.publisher.patch()
    assert [(message["base"], message["version"]) for message in panel.sent] == [(0, 1), (1, 2)]
    assert {message["now"] for message in panel.sent} == {START // 1000}
    assert [row["id"] for row in panel.sent[1]["changes"]["tasks"]["set"]] == ["t"]


def test_a_snapshot_is_the_whole_picture_of_now() -> None:
    panel = Panel()
    panel.folded.feed([task("task.started")])
    panel.publisher.snapshot()
    patch, snapshot = panel.sent
    assert (patch["kind"], snapshot["kind"]) == ("patch", "snapshot")
    assert snapshot["version"] == patch["version"]
    assert snapshot["picture"] == panel.folded.view.snapshot()
    panel.publisher.snapshot()
    assert [message["kind"] for message in panel.sent[2:]] == ["snapshot"]


def test_the_durable_picture_is_saved_when_it_is_another() -> None:
    panel = Panel()
    panel.publisher.patch()
    panel.publisher.save()
    panel.publisher.save()
    assert [saved["version"] for saved in panel.saved] == [1]
    assert panel.saved[0]["picture"] == panel.folded.view.durable()


def test_the_last_word_leaves_nothing_unsaid() -> None:
    panel = Panel()
    panel.folded.feed([execution("execution_completed", status="success")])
    panel.publisher.flush()
    assert [message["kind"] for message in panel.sent] == ["patch", "heartbeat"]
    assert panel.sent[-1]["version"] == panel.saved[-1]["version"] == 1
    assert panel.saved[-1]["picture"]["head"]["status"] == "completed"


@pytest.mark.usefixtures("quick")
async def test_a_heartbeat_has_the_newest_version() -> None:
    panel = Panel()
    async with panel.publishing():
        await panel.until(lambda: len(panel.of("heartbeat")) >= 2)
        panel.bound = True
        await panel.until(lambda: panel.of("heartbeat")[-1]["subshell"])
    assert {message["version"] for message in panel.of("heartbeat")} == {1}
    assert len(panel.of("patch")) == 1


@pytest.mark.usefixtures("quick")
async def test_a_paint_shows_what_the_link_has_put_off() -> None:
    panel = Panel()
    put_off = ["t"]

    def read_on() -> bool:
        if not put_off:
            return False
        loop, name = asyncio.get_running_loop(), put_off.pop()
        # As after a pause: the socket is read in one turn of the loop, its reader has the next one.
        loop.call_soon(loop.call_soon, panel.folded.feed, [execution("progress_update", task_id=name)])
        return True

    panel.publisher._read_on = read_on
    async with panel.publishing():
        await panel.until(lambda: panel.of("patch"))
    assert [row["id"] for row in panel.of("patch")[0]["changes"]["tasks"]["set"]] == ["t"]


@pytest.mark.usefixtures("quick")
async def test_patches_follow_each_other_without_a_gap() -> None:
    panel = Panel()
    async with panel.publishing():
        for number in range(500):
            panel.folded.feed([execution("progress_update", task_id=f"t{number}")])
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        await panel.until(lambda: panel.saved and panel.saved[-1]["picture"]["tasks"]["total"] == 500)
    patches = panel.of("patch")
    assert [patch["base"] for patch in patches] == list(range(len(patches)))
    assert patches[-1]["version"] == panel.folded.view.version


async def test_at_most_ten_patches_a_second_are_sent() -> None:
    panel, loop = Panel(), asyncio.get_running_loop()
    begin = loop.time()
    async with panel.publishing():
        while len(panel.of("patch")) < 5:
            panel.folded.feed([execution("error", message="urgent")])
            panel.publisher.hurry()
            await asyncio.sleep(0.002)
        elapsed = loop.time() - begin
    # An upper bound: on a busy machine there are fewer.
    assert len(panel.of("patch")) <= elapsed / 0.1 + 1


async def test_an_urgent_change_after_a_pause_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = Panel()
    panel.publisher.patch()
    monkeypatch.setattr(publisher_module, "TICK", 3600.0)
    async with panel.publishing():
        await asyncio.sleep(0)
        panel.folded.feed([task("task.hitl_required", checkpointId="c")])
        panel.publisher.hurry()
        await panel.until(lambda: len(panel.of("patch")) == 2)
    assert panel.sent[-1]["changes"]["checkpoints"]["total"] == 1


@pytest.mark.usefixtures("quick")
async def test_big_patches_are_spread_to_stay_within_the_byte_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "BYTES_PER_SECOND", 1)
    panel = Panel()
    async with panel.publishing():
        await panel.until(lambda: panel.of("patch"))
        panel.folded.feed([task("task.started")])
        panel.publisher.hurry()
        await asyncio.sleep(0.05)
    assert len(panel.of("patch")) == 1


async def test_a_long_output_is_shown_piece_by_piece_while_others_have_their_turn(quick: None) -> None:
    panel = Panel()
    lines = 20 * AT_ONCE
    panel.folded.feed(task("task.output", taskId="t", data=f"line {n}\n") for n in range(lines))
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    async with panel.publishing():
        await panel.until(lambda: totals(panel)[-1:] == [lines])
    other.cancel()
    assert turns >= 20
    assert totals(panel) == sorted(set(totals(panel)))


def test_the_last_picture_has_all_of_a_long_output() -> None:
    panel = Panel()
    panel.folded.feed(task("task.output", taskId="t", data=f"line {n}\n") for n in range(3 * AT_ONCE))
    panel.publisher.patch()
    assert totals(panel) == [AT_ONCE]
    assert panel.folded.view.page("output", 0, 1)[0] == 2 * AT_ONCE
    panel.publisher.flush()
    assert totals(panel) == [AT_ONCE, 3 * AT_ONCE]
    assert panel.saved[-1]["picture"]["output"]["total"] == 3 * AT_ONCE


def test_a_search_is_of_all_of_a_long_output() -> None:
    panel = Panel()
    panel.folded.feed(task("task.output", taskId="t", data=f"line {n}\n") for n in range(3 * AT_ONCE))
    assert len(panel.folded.view.output().lines) == 3 * AT_ONCE


def totals(panel: Panel) -> list[int]:
    """Return the number of lines of each patch that has another."""
    outputs = (message["changes"].get("output", {}) for message in panel.of("patch"))
    return [output["total"] for output in outputs if "total" in output]


@pytest.mark.parametrize("steps", range(5))
async def test_it_ends_even_at_the_moment_of_an_urgent_change(steps: int) -> None:
    panel = Panel()
    panel.publisher.patch()
    running = asyncio.create_task(panel.publisher.run())
    await panel.until(lambda: panel.saved or running.done() or panel.sent)
    for _ in range(3):
        await asyncio.sleep(0)
    panel.publisher.hurry()
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=PATIENCE)
    assert done
    assert running.cancelled()


# ---- how much reaches the browser, by a clock that jumps -------------------------------------------------------------


class _Jump(selectors.SelectSelector):
    """A selector without waits: the time of each wait passes at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += timeout or 0
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock goes as fast as its tasks let it."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


class Metered(Panel):
    """A panel that notes the time and length of each message, durable pictures too."""

    def __init__(self, view: object | None = None) -> None:
        super().__init__()
        self.times: list[float] = []
        self.sizes: list[int] = []
        self.publisher = Publisher(
            self.folded.view if view is None else cast("View", view),
            send=lambda message: self._note(self.sent, {**message}),
            save=lambda picture: self._note(self.saved, {**picture}),
            now=lambda: START,
            is_bound=lambda: True,
        )

    def _note(self, kept: list[Message], message: Message) -> None:
        kept.append(message)
        self.times.append(asyncio.get_running_loop().time())
        self.sizes.append(len(json.dumps(message, separators=(",", ":"))))

    def watch(self, seconds: float, events: Callable[[int], Iterable[str]]) -> None:
        """Publish for that many seconds, with events each hundredth of a second."""

        async def publish() -> None:
            async with self.publishing():
                for number in range(round(seconds * 100)):
                    self.folded.feed(events(number))
                    self.publisher.hurry()
                    await asyncio.sleep(0.01)

        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(publish())

    def busiest_second(self) -> int:
        """Return the most messages that came in any second."""
        return max(at - bisect.bisect_left(self.times, time - 0.999) + 1 for at, time in enumerate(self.times))


def test_at_most_ten_messages_a_second_are_sent() -> None:
    panel = Metered()
    panel.watch(5, lambda number: [execution("error", message=f"urgent {number}")])
    assert len(panel.of("patch")) > 35
    assert len(panel.saved) in {5, 6}
    assert panel.busiest_second() <= 10


def test_all_messages_stay_within_200_kb_a_second() -> None:
    panel = Metered()
    wide = "x" * 900

    def flood(number: int) -> list[str]:
        return [
            *(task("task.output", stream="stdout", data=f"{number} {wide}\n") for _ in range(30)),
            execution("progress_update", task_id=f"t{number}", description=wide),
            execution("artifact_created", path=f"{number}/{wide}"),
        ]

    seconds = 10
    panel.watch(seconds, flood)
    assert max(panel.sizes) > 30_000
    assert sum(panel.sizes) <= 200_000 * (seconds + 1)
    assert sum(panel.sizes) > 100_000 * seconds, "nothing worth counting came"
    assert panel.busiest_second() <= 10


class Clock:
    """A view of a replay in which nothing changes but its position, until it is paused."""

    def __init__(self) -> None:
        self.version = 0
        self.playing = self.moves = True

    def changes(self, _limit: float = 0) -> Message:
        if not self.moves:
            return {}
        self.moves = self.playing
        self.version += 1
        position = self.version / 10
        replay = {"position_s": position, "duration_s": 600.0, "speed": 1.0, "playing": self.playing, "over": False}
        return {"head": {"replay": replay}}

    def durable(self) -> Message:
        return {}

    def catch_up(self) -> bool:
        return False

    def whole(self) -> AbstractContextManager[None]:
        return nullcontext()


def test_a_replay_without_events_sends_next_to_nothing() -> None:
    panel = Metered(Clock())
    panel.watch(10, lambda _: [])
    assert [saved["version"] for saved in panel.saved] == [1]
    assert len(panel.of("patch")) > 80
    assert panel.busiest_second() <= 10
    assert sum(panel.sizes) <= 2_500 * 10


def test_a_replay_that_is_paused_is_stored_where_it_stands() -> None:
    clock = Clock()
    panel = Metered(clock)

    def pause(number: int) -> list[str]:
        clock.playing = number < 300
        return []

    panel.watch(5, pause)
    assert [saved["version"] for saved in panel.saved] == [1, clock.version]


def test_a_view_that_fails_still_sends_heartbeats() -> None:
    class Broken(Clock):
        def changes(self, _limit: float = 0) -> Message:
            raise ValueError

        def catch_up(self) -> bool:
            raise ValueError

    panel = Metered(Broken())
    panel.watch(5, lambda _: [])
    assert 2 <= len(panel.of("heartbeat")) <= 5


async def test_an_unstorable_picture_is_reported_once(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    class Unstorable(Clock):
        failures = 2

        def durable(self) -> Message:
            if self.failures:
                self.failures -= 1
                raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed")
            return {}

    panel, alerts = Metered(Unstorable()), list[str]()
    panel.publisher._alert = alerts.append
    async with panel.publishing():
        await panel.until(lambda: panel.saved and panel.of("patch"))
    assert [text.partition(";")[0] for text in alerts] == [
        "the panel could not be stored for a reload and for the saved notebook (UnicodeEncodeError)"
    ]
    assert len(caplog.records) == 2
