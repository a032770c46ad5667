"""Laws of every trial, checked against the server's own record. Each check returns its findings in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from runconsole.decoding.envelope import read_events
from runconsole.events import Alert, ErrorReported, TaskOutput
from runconsole.simulator.faults import (
    AskReconnect,
    Crash,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    HalfOpen,
    LoseReply,
    Refuse,
    Reorder,
)
from runconsole.state import RunState
from tests.chaos.schedule import MODES
from tests.chaos.skew import FOREIGN
from tests.chaos.trial import PACE, Trial, number_in

__all__ = ["verdict"]

_REFUSAL_OF_ANOTHER = "not allowed"
"""The words of a stray refusal."""
_ANSWERED = 3
"""The number of events after an answer, which was sent before or beside them, that prove its arrival."""
_LONGEST_TRIAL = 600_000_000
"""The most microseconds between two events."""
SHORTEST_PAUSE = 0.025
"""The least seconds between two attempts, once the pauses have grown."""


def verdict(trial: Trial) -> list[str]:
    """Return all findings about a trial."""
    checks = (_ending, _doubled, _reordered, _lost, _invented, _state, _foreign, _clock, _decisions, _storm)
    return [wrong for check in checks for wrong in check(trial)]


def _ending(trial: Trial) -> Iterator[str]:
    if trial.state.links[-1].state != "ended" or trial.state.status != "completed":
        yield f"the run ended as {trial.state.status}, the session as {trial.state.links[-1]}"
    states = [link.state for link in trial.state.links]
    if "ended" in states and set(states[states.index("ended") :]) != {"ended"}:
        yield f"after its end the session says {states[states.index('ended') :]}"


def _doubled(trial: Trial) -> Iterator[str]:
    mode = MODES[trial.schedule.mode]
    # Marks that two events of one connection have tell nothing any more.
    is_identified = (mode.marks != "none" and trial.schedule.plan.afresh is None) or mode.ids != "none"
    is_doubled = mode.rooms > 1 and not (_has(trial, Duplicate) or _has(trial, Reorder))
    if mode.slow and not _has_shown_that_it_answers(trial):
        return
    copies: Counter[int] = Counter()
    for link in trial.app.injector.links:
        copies |= Counter(entry.number for entry in link.offered)
    for number, count in Counter(trial.numbers).items():
        # Nothing but its content tells an event without marks: on one connection it may be meant twice.
        most = 1 + (is_doubled and not is_identified and _is_twice_or_repeated(trial, number, mode.rooms))
        if count > (most if is_identified or is_doubled else copies[number]):
            yield f"event {number} is {count} times in the log, at most {copies[number]} on one connection"


def _is_twice_or_repeated(trial: Trial, number: int, rooms: int) -> bool:
    """Return whether a replay began at once with a row that had just come live: only the next frame tells the two."""
    (event,) = read_events(next(entry.text for entry in trial.log_of_run if entry.number == number), 0)
    begins = [[entry.number for entry in link.offered[: rooms + 1]] for link in trial.app.injector.links]
    return isinstance(event.fact, (TaskOutput, ErrorReported, Alert)) and [number] * (rooms + 1) in begins


def _has_shown_that_it_answers(trial: Trial) -> bool:
    """Return whether the first connection reported the end of the server's replay: later events were new."""
    link = trial.app.injector.links[0]
    if link.caught_up is None:
        return False
    numbers = [entry.number for entry in link.offered]
    after = set(numbers[link.caught_up :]) - set(numbers[: link.caught_up])
    lost = next((place for place, link in enumerate(trial.state.links) if link.state == "retrying"), None)
    came = trial.rows if lost is None else trial.rows[: trial.link_rows[lost]]
    return len(after & {number_in(event) for event in came}) >= _ANSWERED


def _reordered(trial: Trial) -> Iterator[str]:
    """Check that the log is a path through the events of the connections, in their order."""
    if _has(trial, Reorder) and _has(trial, AskReconnect):
        return  # two connections at once, each with an order of its own
    offered = [entry.number for link in trial.app.injector.links for entry in link.offered]
    place = 0
    for number in dict.fromkeys(trial.numbers):
        try:
            place = offered.index(number, place) + 1
        except ValueError:
            yield f"event {number} is in the log after {offered[place - 1]}, which was given after it"
            return


def _lost(trial: Trial) -> Iterator[str]:
    """Check that missing events were reported: counted, or as unknowable."""
    missing = [number for number in _missing(trial) if number not in _overtaken_by_others(trial)]
    if not missing:
        return
    unknown = [link for link in trial.state.links if link.recovered is not None and link.missed is None]
    counted = sum(link.missed or 0 for link in trial.state.links)
    if trial.schedule.plan.afresh is not None and (counted or unknown or _overtaken(trial)):
        return
    holes = _holes(trial, missing)
    uncovered = [hole for hole in holes if not _covered(trial, hole)]
    if counted < sum(len(numbers) for numbers, _, _ in uncovered):
        yield (
            f"missing {missing}; of them {[numbers for numbers, _, _ in uncovered]} under no report of unknown loss;"
            f" counted as missed: {counted}, unknown: {len(unknown)}"
        )


def _overtaken_by_others(trial: Trial) -> set[int]:
    """Return the events that a reordering server owed at the end of its connection: ids alone do not reveal them."""
    if MODES[trial.schedule.mode].marks == "seq" or not _has(trial, Reorder):
        return set()
    owed: set[int] = set()
    for link in trial.app.injector.links:
        numbers = [entry.number for entry in link.offered]
        for number in range(min(numbers, default=0), max(numbers, default=0)):
            place = numbers.index(number) if number in numbers else len(numbers)
            owed |= {number} if any(other > number for other in numbers[:place]) else set()
    return owed


def _overtaken(trial: Trial) -> bool:
    """Return whether restarted numbers had overtaken the old ones before the client was back: nothing reveals them."""
    afresh = trial.schedule.plan.afresh or 0
    seen = trial.numbers
    first = next((number - afresh for number in seen if number > afresh), None)
    return first is not None and first > max(number for number in seen if number <= afresh)


_Hole = tuple[list[int], int, int]
"""Missing numbers in a row; the position after the last event before them, and that of the first event after them."""


def _missing(trial: Trial) -> list[int]:
    seen = set(trial.numbers)
    first = min(seen)
    return [entry.number for entry in trial.log_of_run if entry.number not in seen and entry.number > first]


def _holes(trial: Trial, missing: list[int]) -> list[_Hole]:
    positions: dict[int, int] = {}
    for position, event in enumerate(trial.rows):
        number = number_in(event)
        if number is not None:
            positions.setdefault(number, position)
    holes: list[_Hole] = []
    for number in missing:
        before = max((place for known, place in positions.items() if known < number), default=-1) + 1
        later = min((place for known, place in positions.items() if known > number), default=len(trial.rows))
        if holes and holes[-1][0][-1] == number - 1:
            holes[-1][0].append(number)
        else:
            earlier = [place for known, place in positions.items() if known < number]
            holes.append(([number], min(before, later, max(earlier, default=-1) + 1), later))
    return holes


def _covered(trial: Trial, hole: _Hole) -> bool:
    """Return whether a reconnect in the hole was reported as one of unknown loss."""
    _, begin, end = hole
    end += max((fault.span for fault in trial.schedule.faults if isinstance(fault, Reorder)), default=0)
    end += 3 * _has(trial, AskReconnect)  # a change of connections that failed has brought some events already
    links = trial.state.links
    back = [
        row
        for row, link in enumerate(links)
        if link.state == "live" and link.notice and link.recovered is None and begin <= trial.link_rows[row] <= end
    ]
    return any(
        link.recovered is not None and link.missed is None and row > min(back, default=len(links))
        for row, link in enumerate(links)
    )


def _invented(trial: Trial) -> Iterator[str]:
    """Check that no loss is reported as a number without one."""
    counted = sum((link.missed or 0) for link in trial.state.links)
    came_late = sum((link.recovered or 0) for link in trial.state.links)
    missing = len(_missing(trial))
    if counted > missing + came_late and not trial.schedule.plan.afresh:
        yield f"{counted} events are reported as missed, {missing} are missing, {came_late} came late"


def _state(trial: Trial) -> Iterator[str]:
    """Check that the state is the fold of the run's events in the log."""
    texts = {event.number: event.text for event in trial.log_of_run}
    expected = RunState()
    for number in trial.numbers:  # those that are there twice, too: whether they may be is not for this check
        (event,) = read_events(texts[number], 0)
        expected.apply(event)
    if MODES[trial.schedule.mode].wire == "trpc" and trial.numbers[-1] < trial.log_of_run[-1].number:
        return  # the server, asked, has said how it ended
    is_timed = MODES[trial.schedule.mode].timed
    for name in ("status", "progress", "step", "worker_id", "name", *(("started_at", "ended_at") if is_timed else ())):
        ours = {key: getattr(task, name) for key, task in trial.state.tasks.items()}
        theirs = {key: getattr(task, name) for key, task in expected.tasks.items()}
        if ours != theirs:
            yield f"the tasks' {name} is {ours}, the fold of what came gives {theirs}"
    ours_out, theirs_out = (
        sorted((c.at * is_timed, c.text) for c in state.output) for state in (trial.state, expected)
    )
    if ours_out != theirs_out:
        yield f"the output is {ours_out}, the fold of what came gives {theirs_out}"


def _foreign(trial: Trial) -> Iterator[str]:
    """Check that no event of another run is in the log or in the state, and that their number is reported."""
    state = trial.state
    rows = [event for event in trial.rows if FOREIGN in event.payload]
    if rows or FOREIGN in state.tasks or FOREIGN in state.checkpoints or state.reported_status == "failed":
        yield f"of another run there are {len(rows)} events, tasks {list(state.tasks)}, {list(state.checkpoints)}"
    refused = [link for link in state.links if _REFUSAL_OF_ANOTHER in (link.reason or "")]
    if refused:
        yield f"the refusal of another's request is taken for one of us: {refused[0]}"
    foreign = trial.skew.foreign if trial.skew is not None else 0
    if foreign and not any(link.notice and "were left out" in link.notice for link in state.links):
        yield f"{foreign} events of others came, and nobody says that they were left out"


def _clock(trial: Trial) -> Iterator[str]:
    """Check that a set clock neither closes a question nor reorders times."""
    for name in sorted(trial.early):
        yield f"checkpoint {name} has expired here while the server waited for an answer"
    # While connections change, what the new one brings is held back.
    back = -PACE.establish * 1e6 if _has(trial, AskReconnect) else 0
    for what, times in (
        ("events", [event.received_at for event in trial.rows]),
        ("links", [link.at for link in trial.state.links]),
    ):
        steps = [after - before for before, after in pairwise(times)]
        if any(step < back or step > _LONGEST_TRIAL for step in steps):
            yield f"the times of the {what} step by {min(steps) / 1e6} to {max(steps) / 1e6} s"


# ---- decisions ------------------------------------------------------------------------------------------------------


def _decisions(trial: Trial) -> Iterator[str]:
    taken = {item.id: item.decision for item in trial.app.player.checkpoints}
    for key, name in trial.pressed.items():
        decision, outcome = trial.state.decisions[key], taken.get(name)
        sent = sum(key in frame.text for frame in trial.app.received)
        counts = outcome is not None and outcome.feedback == key
        same = outcome is not None and outcome.option == decision.option and not outcome.automatic
        what = f"{key} ({decision.option!r}) is {decision.state} here ({decision.error}); the server: {outcome}"
        if sent > 1:
            yield f"{key} was received {sent} times"
        if decision.state in {"queued", "sent"}:
            yield f"{what}; it never came to an end"
        elif (decision.state in {"acknowledged", "applied"} and not (counts or same)) or (
            decision.state in {"refused", "expired"} and counts
        ):
            yield what
        elif decision.sent_at is None and sent:
            yield f"{what}; it was received, and is said not to have been sent"
        yield from _checkpoint(trial, name, outcome)


def _contradicts(state: str, *, counts: bool, same: bool) -> bool:
    """Return whether the console and the server differ about a decision; an equal answer of another counts as ours."""
    if state in {"acknowledged", "applied"}:
        return not (counts or same)
    return state in {"refused", "expired"} and counts


def _checkpoint(trial: Trial, name: str, outcome: Any) -> Iterator[str]:
    row = trial.state.checkpoints[name]
    if row.status == "decided" and outcome is not None and row.decision is not None and row.decision != outcome.option:
        yield f"checkpoint {name} counts as {row.decision!r} here, as {outcome.option!r} on the server"


# ---- attempts -------------------------------------------------------------------------------------------------------


def _storm(trial: Trial) -> Iterator[str]:
    """Count the attempts against the possible ends and refusals of connections."""
    allowed = 3.0
    for fault in trial.schedule.faults:
        match fault:
            case Crash(down_s=down_s):
                allowed += 6 + down_s / SHORTEST_PAUSE
            case Refuse(times=times):
                allowed += 2 * times
            case Drop() | HalfOpen() | Freeze() | LoseReply():
                allowed += 4
            case _:
                allowed += 1
    attempts = max(sum(link.state == "connecting" for link in trial.state.links), trial.app.injector.attempts)
    if attempts > allowed:
        yield f"{attempts} attempts to connect, at most {allowed:.0f} are to be expected"


def _has(trial: Trial, kind: type[Fault]) -> bool:
    return any(isinstance(fault, kind) for fault in trial.schedule.faults)
