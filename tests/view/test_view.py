"""The picture as the browser holds it: patches applied in order are the snapshot, and it stays small."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runconsole.events import (
    Answer,
    DecisionAcknowledged,
    DecisionRequested,
    DecisionSent,
    DecisionTurnedDown,
    DecisionUnanswered,
    Fact,
    LinkChanged,
)
from runconsole.view.contract import KeyedName
from runconsole.view.view import DURABLE_BYTES
from tests.support.folding import START, Folded, execution, fold, frames_of, task
from tests.support.streams import checkpoint_events, execution_events, stamped, task_events

KEYED = get_args(KeyedName)
NUMBERED = ("output", "artifacts", "errors", "decisions", "events")
Row = dict[str, Any]


class Model:
    """The picture of a page after a snapshot and patches, as `js/src/state/store.ts` computes it."""

    def __init__(self, snapshot: Row, version: int) -> None:
        self.version = version
        self.head = dict(snapshot["head"])
        self.tables: dict[str, dict[str, Row]] = {}
        self.totals: dict[str, int] = {}
        for name in (*KEYED, *NUMBERED):
            self.tables[name] = {row["key"]: row for row in snapshot[name]["rows"]}
            self.totals[name] = snapshot[name]["total"]

    def patch(self, changes: Row, version: int) -> None:
        assert version == self.version + 1
        self.version = version
        self.head |= changes.get("head", {})
        for name, patch in changes.items():
            if name == "head":
                continue
            held = self.tables[name]
            held |= {row["key"]: row for row in patch.get("set", [])}
            if "order" in patch:
                known = self.tables["tasks"] | held if name == "active" else held
                self.tables[name] = {key: known[key] for key in patch["order"]}
            self.totals[name] = patch.get("total", self.totals[name])
        tasks, active = self.tables["tasks"], self.tables["active"]
        self.tables["active"] = {key: tasks.get(key, row) for key, row in active.items()}

    def shows(self, snapshot: Row) -> None:
        """Assert that this is the picture of the snapshot."""
        assert self.head == snapshot["head"]
        for name in KEYED:
            assert list(self.tables[name].values()) == snapshot[name]["rows"], name
        for name in NUMBERED:
            rows = snapshot[name]["rows"]
            assert [self.tables[name].get(row["key"]) for row in rows] == rows, name
        assert self.totals == {name: snapshot[name]["total"] for name in self.totals}


def plain(value: Any) -> Any:
    """Return the value as it arrives over the wire: proof that it is JSON, and no object of ours."""
    return json.loads(json.dumps(value, allow_nan=False))


facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(
        DecisionRequested,
        st.just(START),
        st.sampled_from(["d0", "d1", "d2"]),
        st.sampled_from(["c0", "c1"]),
        st.builds(Answer, st.sampled_from(["approve", "reject"])),
    ),
    *(
        st.builds(kind, st.just(START), st.sampled_from(["d0", "d1", "d2"]), **more)
        for kind, more in (
            (DecisionSent, {}),
            (DecisionAcknowledged, {}),
            (DecisionTurnedDown, {"reason": st.just("no"), "final": st.booleans()}),
            (DecisionUnanswered, {"reason": st.just("lost")}),
        )
    ),
    st.builds(LinkChanged, st.just(START), st.sampled_from(["live", "retrying"]), reason=st.text(max_size=3)),
)
happenings = st.lists(st.lists(execution_events | task_events | checkpoint_events | facts, max_size=6), max_size=8)


def happen(folded: Folded, events: list[Any]) -> None:
    """Fold in events of the server, and possible actions of people and links."""
    for event in events:
        if not isinstance(event, Fact):
            folded.feed(stamped([event]))
        elif isinstance(event, DecisionRequested):
            if event.checkpoint_id in folded.state.checkpoints:
                folded.apply(event)
        elif isinstance(event, LinkChanged) or getattr(event, "decision_id", None) in folded.state.decisions:
            folded.apply(event)


@given(happenings, st.integers(0, 3))
@settings(max_examples=250)
def test_patches_in_order_equal_the_snapshot(ticks: list[list[Any]], joined: int) -> None:
    folded = Folded()
    for events in ticks[:joined]:
        happen(folded, events)
    folded.view.changes()
    model = Model(plain(folded.view.snapshot()), folded.view.version)
    for events in ticks[joined:]:
        happen(folded, events)
        changes = plain(folded.view.changes())
        if changes:
            model.patch(changes, folded.view.version)
        model.shows(plain(folded.view.snapshot()))


@given(happenings, st.integers(0, 4000))
@settings(max_examples=150)
def test_patches_of_a_limited_size_come_to_the_snapshot_too(ticks: list[list[Any]], limit: int) -> None:
    folded = Folded()
    folded.view.changes(limit)
    model = Model(plain(folded.view.snapshot(limit)), folded.view.version)
    for events in ticks:
        happen(folded, events)
        changes = plain(folded.view.changes(limit))
        if changes:
            model.patch(changes, folded.view.version)
    while changes := plain(folded.view.changes(limit)):
        model.patch(changes, folded.view.version)
    model.shows(plain(folded.view.snapshot()))


@pytest.mark.parametrize("limit", [2_000, 16_000])
def test_a_partial_snapshot_and_patches_equal_the_whole(huge: Folded, limit: int) -> None:
    folded = huge
    folded.view.changes()
    model = Model(plain(folded.view.snapshot(limit)), folded.view.version)
    assert len(msgspec.json.encode(model.tables)) < limit + 40_000
    while changes := plain(folded.view.changes(limit)):
        assert len(msgspec.json.encode(changes)) < limit + 40_000
        model.patch(changes, folded.view.version)
    model.shows(plain(folded.view.snapshot()))


def test_urgent_rows_are_in_the_next_patch() -> None:
    rows = [execution("progress_update", task_id=f"t{n}", task_name="x" * 190, status="running") for n in range(300)]
    lines = [task("task.output", stream="stdout", data="x" * 3000 + "\n") for _ in range(300)]
    folded = fold([*rows, *lines])
    folded.view.changes(4_000)
    folded.feed([task("task.hitl_required", checkpointId="c", title="Ship?", context={"spec": "s" * 100_000})])
    changes = folded.view.changes(4_000)
    assert [row["id"] for row in changes["checkpoints"]["set"]] == ["c"]
    assert len(json.dumps(changes)) < 40_000


def test_no_table_waits_for_ever_behind_one_that_never_stops() -> None:
    folded = Folded()
    sent: set[str] = set()
    for round_ in range(30):
        folded.feed(
            [
                *(
                    execution("progress_update", task_id=f"t{n}", progress=round_, task_name="x" * 190)
                    for n in range(99)
                ),
                execution("artifact_created", path=f"{round_}"),
                task("task.output", stream="stdout", data=f"{round_}\n"),
            ]
        )
        changes = folded.view.changes(4_000)
        sent |= {row["id"] for row in changes.get("tasks", {}).get("set", [])}
        assert {"artifacts", "output"} <= changes.keys()
    assert len(sent) == 99


def test_the_questions_due_first_are_shown() -> None:
    asked = [
        task("task.hitl_required", n / 100, checkpointId=f"c{n}", timeout=START + (20_000 - n) * 1_000_000)
        for n in range(10_000)
    ]
    picture = fold(asked).picture()["picture"]
    assert [row["id"] for row in picture["checkpoints"]["rows"]] == [f"c{n}" for n in range(9980, 10_000)]
    assert picture["checkpoints"]["total"] == picture["head"]["questions"] == 10_000


def test_recovered_events_cancel_no_missing_ones() -> None:
    folded = fold([])
    for missed, recovered, filled in ((10, 0, None), (0, 50, None), (0, 2, 2)):
        folded.apply(LinkChanged(START, "live", missed=missed, recovered=recovered, filled=filled))
    assert folded.picture()["picture"]["head"]["missed"] == 8


@pytest.mark.parametrize("name", ["seed-execution", "seed-task", "variants", "garbage"])
def test_one_patch_or_one_for_each_event_make_the_same_picture(name: str) -> None:
    at_once, bit_by_bit = Folded(), Folded()
    at_once.feed(frames_of(name)).view.changes()
    for frame in frames_of(name):
        bit_by_bit.feed([frame]).view.changes()
    assert bit_by_bit.view.snapshot() == at_once.view.snapshot()


def test_unchanged_rows_are_not_sent_and_the_version_stays() -> None:
    folded = fold(frames_of("seed-execution"))
    assert folded.view.version == 0
    assert folded.view.changes()
    assert (folded.view.changes(), folded.view.version) == ({}, 1)
    folded.feed([task("worker.heartbeat")])
    assert set(folded.view.changes()) == {"head", "events"}
    assert folded.view.version == 2


def test_a_patch_holds_the_changed_rows_alone() -> None:
    folded = fold([execution("progress_update", task_id=f"t{n}", phase=n) for n in range(50)])
    folded.view.changes()
    changes = folded.feed([execution("progress_update", task_id="t7", phase=7, status="completed")]).view.changes()
    assert [row["id"] for row in changes["tasks"]["set"]] == ["t7"]
    assert [row["number"] for row in changes["phases"]["set"]] == [7]
    assert {"order", "total"} & (changes["tasks"].keys() | changes["phases"].keys()) == set()


# ---- bounds --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def huge() -> Folded:
    """Return a run with far more of everything than the picture holds."""
    long = "ř\u0001" * 4_000
    folded = fold(
        [
            execution("execution_started", phases=[{"number": n, "name": long, "tasks": 9} for n in range(300)]),
            execution("progress_update", current_wave=3000),
            *(
                execution("progress_update", task_id=f"t{n}", task_name=long, phase_name=long, status="running")
                for n in range(600)
            ),
            *(task("task.progress", taskId=f"t{n}", currentStep=long) for n in range(300)),
            *(task("task.subtask.started", taskId="t1", subtaskId=f"s{n}", name=long) for n in range(100)),
            *(
                task("task.output", taskId="t1", stream="stdout", data=f"{n} {long if n % 10 == 0 else long[:800]}\n")
                for n in range(300)
            ),
            *(execution("artifact_created", path=f"{n}{long}", language=long) for n in range(100)),
            *(execution("error", message=f"{n}{long}", stack_trace=long, task_id=f"t{n}") for n in range(100)),
            *(task("system.alert", message=f"{n}{long}") for n in range(5)),
            *(
                task(
                    "task.hitl_required",
                    checkpointId=f"c{n}",
                    title=long,
                    description=long,
                    options=[{"id": f"o{m}", "label": long, "description": long} for m in range(20)],
                    context={"spec": long, "changes": [long] * 300, "risk": long, "other": {"more": long}},
                )
                for n in range(8)
            ),
        ],
        title=long,
    )
    folded.apply(DecisionRequested(folded.now, "d", "c1", Answer("o1", long)))
    folded.apply(LinkChanged(folded.now, "retrying", reason=long, notice="n"))
    return folded


def test_the_durable_picture_of_a_huge_run_is_small(huge: Folded) -> None:
    picture = huge.picture()["picture"]
    durable: dict[str, Any] = {**huge.view.durable()}
    assert len(msgspec.json.encode(durable)) <= DURABLE_BYTES
    assert durable["head"] == picture["head"]
    assert {name: table["total"] for name, table in durable.items() if name != "head"} == {
        name: table["total"] for name, table in picture.items() if name != "head"
    }


@pytest.mark.parametrize("length", [100, 60_000])
def test_even_one_question_of_any_size_fits_the_durable_picture(length: int) -> None:
    folded = fold([task("task.hitl_required", checkpointId="c" * length, title="Ship?")])
    folded.picture()
    durable = folded.view.durable()
    assert len(msgspec.json.encode(durable)) <= DURABLE_BYTES
    assert durable["checkpoints"]["total"] == 1
    assert len(durable["checkpoints"]["rows"]) == 1


def test_the_durable_picture_leaves_the_snapshot_unchanged(huge: Folded) -> None:
    huge.view.changes()
    before = plain(huge.view.snapshot())
    huge.view.durable()
    assert plain(huge.view.snapshot()) == before


def test_a_small_run_is_durable_as_a_whole_but_for_its_events() -> None:
    folded = fold(frames_of("seed-task"))
    picture = folded.picture()["picture"]
    assert folded.view.durable() == picture | {"events": {"total": 12, "rows": []}}


@pytest.mark.parametrize(
    ("table", "most"),
    [
        *(("tasks", 200), ("active", 12), ("output", 200), ("artifacts", 50), ("errors", 50), ("events", 50)),
        *(("phases", 200), ("waves", 200)),
    ],
)
def test_a_snapshot_shows_so_many_rows_at_most(huge: Folded, table: str, most: int) -> None:
    shown = huge.picture()["picture"][table]
    assert len(shown["rows"]) <= most
    assert shown["total"] > most


def test_the_first_phases_and_the_newest_waves_are_shown(huge: Folded) -> None:
    picture = huge.picture()["picture"]
    assert [row["number"] for row in picture["phases"]["rows"]] == list(range(200))
    waves = [row["wave"] for row in picture["waves"]["rows"]]
    assert waves == list(range(waves[0], picture["waves"]["total"] + 1))


@pytest.mark.parametrize(
    ("statuses", "shown", "cancelled"),
    [
        (["completed"] * 3, "completed", 0),
        (["completed", "completed", "failed"], "partial", 0),
        (["completed", "failed", "in_progress"], "running", 0),
        (["failed"] * 3, "failed", 0),
        (["completed", "completed", "cancelled"], "completed", 1),
    ],
)
def test_a_phase_is_failed_only_if_none_of_its_tasks_completed(statuses: list[str], shown: str, cancelled: int) -> None:
    plan = execution("execution_started", 0, phases=[{"number": 1, "name": "Build", "tasks": 3}])
    done = [
        execution("progress_update", n, task_id=f"t{n}", phase=1, status=status) for n, status in enumerate(statuses)
    ]
    row = fold([plan, *done]).picture()["picture"]["phases"]["rows"][0]
    assert (row["status"], row["cancelled"], row["started_at"]) == (shown, cancelled, START // 1000)


def test_a_phase_that_the_server_calls_failed_is_failed() -> None:
    folded = fold(
        [
            execution("progress_update", 0, task_id="t", phase=1, status="completed"),
            execution("progress_update", 0, task_id="u", phase=1, status="failed"),
            execution("pipeline_update", 1, phase=1, total=2, phase_status="failed"),
        ]
    )
    assert folded.picture()["picture"]["phases"]["rows"][0]["status"] == "failed"


def test_open_questions_and_five_recent_ones_are_shown() -> None:
    asked = [task("task.hitl_required", n, checkpointId=f"c{n}") for n in range(20)]
    answered = [task("checkpoint.resolved", 30 + n, checkpointId=f"c{n}", decision="approve") for n in range(10)]
    shown = fold([*asked, *answered]).picture()["picture"]["checkpoints"]
    assert [row["id"] for row in shown["rows"]] == [f"c{n}" for n in (*range(10, 20), *range(5, 10))]
    assert shown["total"] == 20


def test_long_text_is_cut_and_says_so() -> None:
    folded = fold([execution("error", message="x" * 5000, task_id="t")])
    row = folded.picture()["picture"]["errors"]["rows"][0]
    assert (len(row["message"]), row["cut"]) == (4000, ["message"])
    assert "cut" not in fold([execution("error", message="x")]).picture()["picture"]["errors"]["rows"][0]


def test_no_number_of_an_event_makes_the_picture_unreadable() -> None:
    folded = fold(
        [
            execution("progress_update", at=5, task_id="t", status="completed", duration_ms=1e300, phase=2**63 - 1),
            task("task.progress", taskId="u", progress=1e308, metrics={"cost": 1e308, "tokensUsed": 2**63 - 1}),
            task("task.progress", taskId="v", metrics={"cost": 1e308, "tokensUsed": 2**63 - 1}),
            task("task.hitl_required", checkpointId="c", context={"cost": 10**400}),
            task("cost.threshold", current=1e308, threshold=-1e308),
        ]
    )
    msgspec.json.encode(plain(folded.picture()))


def test_an_active_task_is_sent_once_in_a_patch() -> None:
    running = [task("task.progress", taskId=f"t{n}", progress=5) for n in range(3)]
    folded = fold(running)
    changes = folded.view.changes()
    assert [row["id"] for row in changes["tasks"]["set"]] == ["t0", "t1", "t2"]
    assert changes["active"] == {"total": 3, "order": ["2", "1", "0"]}
    folded.feed([task("task.progress", taskId="t1", progress=50)])
    changes = folded.view.changes()
    assert [row["progress"] for row in changes["tasks"]["set"]] == [50]
    assert "set" not in changes.get("active", {})
    assert [row["progress"] for row in folded.view.snapshot()["active"]["rows"]].count(50) == 1
    many = [execution("progress_update", task_id=f"n{n}", status="in_progress") for n in range(400)]
    changes = folded.feed(many).view.changes()
    assert len(changes["tasks"]["set"]) == 197
    assert [row["id"] for row in changes["active"]["set"]] == [f"n{n}" for n in range(399, 387, -1)]


def test_lines_get_the_name_of_their_task_when_it_becomes_known() -> None:
    folded = fold([task("task.output", stream="stdout", data="line\n")])
    folded.view.changes()
    assert "name" not in folded.view.snapshot()["output"]["rows"][0]
    folded.feed([task("task.created", prompt="Compile")])
    (row,) = folded.view.changes()["output"]["set"]
    assert (row["text"], row["name"]) == ("line", "Compile")
