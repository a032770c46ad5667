"""The recorder's file: a replay of it repeats all events and facts in the same order."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from runconsole.events import DecisionSent, LinkChanged, Micros, Received
from runconsole.protocols.json.wire import ChannelWire
from runconsole.recording import FileWriter, Header, Reader, Recorder, decode_line, encode_line, identity_of
from runconsole.recording.format import entry_of
from runconsole.redaction.secrets import Redactor
from runconsole.replay import Playback, wire_for
from tests.support.folding import task
from tests.support.writers import recorded_writer

HEADER = Header(1, "0", "json", "ws://h/ws", "2026-01-01T00:00:00Z")


class Deck:
    """A recorder with a wire, and the file it writes."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.wire = ChannelWire()
        self.clock = 100
        self.troubles: list[str] = []
        given = {"secrets": Redactor([])} | options
        self.recorder = Recorder(FileWriter(path), HEADER, now=self.now, trouble=self.troubles.append, **given)
        self.link = self.recorder.opened(self.wire)
        self._read = self.recorder.reader(self.link, self.wire)

    def now(self) -> Micros:
        self.clock += 1
        return self.clock

    def receive(self, *frames: str) -> list[Received]:
        """Receive one frame of these events; return them."""
        signals: Sequence[Any] = self._read(f"[{','.join(frames)}]" if len(frames) > 1 else frames[0], self.now())
        return [signal for signal in signals if isinstance(signal, Received)]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in Reader(self.path)]

    def folded(self) -> Playback:
        self.recorder.close()
        fold = Playback(recorded_writer(), wire_for)
        for line in Reader(self.path):
            fold.apply(decode_line(line))
        assert fold.misread == 0
        return fold

    def said(self) -> list[str]:
        """Return the outputs of the log's events after a replay."""
        return [json.loads(event.payload)["data"] for _, event in self.folded().log.read(0, 100)]


def output(text: str) -> str:
    return task("task.output", stream="stdout", data=text)


@pytest.fixture
async def deck(tmp_path: Path) -> Deck:
    (tmp_path / "deck").mkdir()
    return Deck(tmp_path / "deck" / "run.jsonl")


async def test_a_frame_whose_events_were_taken_in_order_stands_alone(deck: Deck) -> None:
    for event in deck.receive(output("a"), output("b")):
        deck.recorder.took(event)
    deck.recorder.flush()
    assert set(deck.lines()[-1]) == {"at", "dir", "link", "frame"}
    assert deck.said() == ["a", "b"]


async def test_a_duplicate_is_counted_and_not_logged_again(deck: Deck) -> None:
    first, second, third = deck.receive(output("a"), output("b"), output("c"))
    deck.recorder.fact(LinkChanged(1, "live"))
    deck.recorder.took(first)
    deck.recorder.dropped(second)
    deck.recorder.took(third)
    fold = deck.folded()
    assert len(fold.log) == 2
    assert fold.state.links[-1].duplicates == 1
    assert [place for place, _ in fold.writer.asides.cut()] == [0, 1]


async def test_facts_between_two_events_of_a_frame_keep_their_place(deck: Deck) -> None:
    first, second = deck.receive(output("a"), output("b"))
    deck.recorder.took(first)
    deck.recorder.fact(LinkChanged(5, "live"))
    deck.recorder.connected(None, assured=True, replays=0)
    deck.recorder.sent(deck.link, '{"type":"pong"}')
    deck.recorder.took(second)
    fold = deck.folded()
    assert fold.writer.asides.cut() == [(1, LinkChanged(5, "live"))]
    assert [line["dir"] for line in deck.lines()[2:]] == ["in", "out"]


async def test_an_event_that_is_held_back_comes_when_it_was_taken(deck: Deck) -> None:
    held = deck.receive(output("late"), output("later"))
    for event in deck.receive(output("first")):
        deck.recorder.took(event)
    deck.recorder.connected(7, assured=False, replays=0)
    for event in held:
        deck.recorder.took(event)
    assert deck.said() == ["first", "late", "later"]


async def test_an_event_that_was_never_taken_never_comes(deck: Deck) -> None:
    deck.receive(output("refused"))
    for event in deck.receive(output("a")):
        deck.recorder.took(event)
    assert deck.said() == ["a"]


async def test_a_decision_is_in_the_file_before_anything_else_happens(deck: Deck) -> None:
    first, second = deck.receive(output("a"), output("b"))
    deck.recorder.took(first)
    deck.recorder.fact(DecisionSent(9, "d"))
    facts = [op for line in deck.lines() for op in line.get("ops", ()) if isinstance(op, dict)]
    assert facts == [{"is": "DecisionSent", "at": 9, "decision_id": "d"}]
    deck.recorder.took(second)


async def test_everything_is_in_the_file_within_a_second(deck: Deck) -> None:
    for event in deck.receive(output("a")):
        deck.recorder.took(event)
    async with asyncio.timeout(20):
        while not any("frame" in line for line in deck.lines()):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.02)


async def test_secrets_are_gone_before_anyone_reads_a_frame(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "run.jsonl", secrets=Redactor(["topsecret"]))
    (event,) = deck.receive(output("it is topsecret"))
    deck.recorder.took(event)
    deck.recorder.fact(LinkChanged(1, "live", reason="topsecret"))
    deck.recorder.sent(deck.link, '{"type":"auth","token":"topsecret","password":"other"}')
    assert json.loads(event.payload)["data"] == "it is ***"
    deck.recorder.close()
    text = deck.path.read_text()
    assert "topsecret" not in text
    assert "other" not in text


async def test_a_tape_that_is_closed_takes_no_more_and_says_nothing(deck: Deck) -> None:
    deck.recorder.close()
    deck.recorder.close()
    size = deck.path.stat().st_size
    for event in deck.receive(output("a")):
        deck.recorder.took(event)
    deck.recorder.finished()
    deck.recorder.flush()
    assert (deck.path.stat().st_size, deck.troubles) == (size, [])


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def receive_each(deck: Deck, *texts: str) -> None:
    """Receive events, each in a frame of its own that is flushed."""
    for text in texts:
        for event in deck.receive(output(text)):
            deck.recorder.took(event)
        deck.recorder.flush()


async def test_unwritten_lines_are_kept_and_reported_once(deck: Deck, monkeypatch: pytest.MonkeyPatch) -> None:
    receive_each(deck, "a")
    monkeypatch.setattr(FileWriter, "write", full)
    receive_each(deck, "b", "c")
    await asyncio.sleep(0)
    (trouble,) = deck.troubles
    assert trouble.endswith("stands still (No space left on device); the run goes on, and what comes is written later")
    assert (deck.recorder.is_recording, deck.recorder.stalled) == (True, "No space left on device")
    monkeypatch.undo()
    async with asyncio.timeout(20):
        while deck.recorder.stalled:  # nothing more has to come  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await asyncio.sleep(0)
    assert deck.troubles[1].endswith("goes on; nothing is missing from it")
    receive_each(deck, "d")
    assert deck.said() == ["a", "b", "c", "d"]
    assert len(deck.troubles) == 2


async def test_a_recording_stalled_too_long_ends_with_a_line(deck: Deck, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runconsole.recording.recorder._PATIENCE", 1000)
    receive_each(deck, "a")
    with monkeypatch.context() as disk:
        disk.setattr(FileWriter, "write", full)
        receive_each(deck, "b" * 600, "c" * 600, "d" * 600)
        await asyncio.sleep(0)
        assert not deck.recorder.is_recording
    (_, ended) = deck.troubles
    assert ended.endswith("the run goes on without it: `save` writes all of it")
    receive_each(deck, "e")
    assert deck.said() == ["a"]
    link = deck.folded().state.links[-1]
    assert (link.state, link.notice) == (
        "stopped",
        "the recording ends here, the run does not: the rest could not be written (No space left on device)",
    )
    assert deck.troubles == [deck.troubles[0], ended]


async def test_a_recording_closed_without_its_end_is_reported(deck: Deck, monkeypatch: pytest.MonkeyPatch) -> None:
    receive_each(deck, "a")
    monkeypatch.setattr(FileWriter, "write", full)
    receive_each(deck, "b")
    deck.recorder.close()
    await asyncio.sleep(0)
    assert deck.troubles[-1].endswith("lacks its end (No space left on device): `save` writes the whole run")
    assert deck.recorder.end is None


async def test_a_deleted_recording_is_written_again_and_continues(deck: Deck) -> None:
    receive_each(deck, "a")
    deck.path.unlink()
    receive_each(deck, "b")
    await asyncio.sleep(0)
    assert deck.troubles == [f"the recording {str(deck.path)!r} was deleted: it is there again, whole"]
    receive_each(deck, "c")
    deck.path.unlink()
    assert deck.said() == ["a", "b", "c"]


async def test_a_lost_recording_is_reported_once_and_readable(deck: Deck) -> None:
    receive_each(deck, "a")
    deck.path.rename(deck.path.parent / "elsewhere")
    deck.path.parent.joinpath("elsewhere").unlink()
    deck.path.parent.rmdir()
    receive_each(deck, "b", "c")
    await asyncio.sleep(0)
    (trouble,) = deck.troubles
    assert "was deleted, and is not written again" in trouble
    descriptor = deck.recorder.duplicate()
    assert sum(b"task.output" in line for line in Reader(deck.path, descriptor=descriptor)) == 3
    os.close(descriptor)
    deck.recorder.close()


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_moved_or_replaced_recording_is_reported_once(deck: Deck, *, is_kept: bool) -> None:
    receive_each(deck, "a")
    moved = deck.path.with_name("moved")
    deck.path.rename(moved)
    deck.path.write_text("somebody else's")
    if not is_kept:
        moved.unlink()
    receive_each(deck, "b", "c")
    deck.recorder.close()
    await asyncio.sleep(0)
    (trouble,) = deck.troubles
    assert ("has another name now, and goes on under that" if is_kept else "another file is in its place") in trouble
    assert deck.path.read_text() == "somebody else's"
    assert deck.recorder.end is None
    if is_kept:
        assert sum(b"task.output" in line for line in Reader(moved)) == 3


class WholeRun:
    """The run so far, as a console writes it anew: the events that its recorder got."""

    def __init__(self) -> None:
        self.events: list[Received] = []

    def lines(self) -> Iterator[bytes]:
        yield encode_line(structs.replace(HEADER, content="events"))
        yield from (encode_line(entry_of(event)) for event in self.events)

    def receive_each(self, deck: Deck, *texts: str) -> None:
        for text in texts:
            for event in deck.receive(output(text)):
                deck.recorder.took(event)
                self.events.append(event)
            deck.recorder.flush()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 10)


def cut_to_its_beginning(path: Path) -> None:
    os.truncate(path, 20)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("harm", [empty, shorten, cut_to_its_beginning])
async def test_an_emptied_recording_is_written_anew(tmp_path: Path, harm: Callable[[Path], None], suffix: str) -> None:
    whole = WholeRun()
    deck = Deck(tmp_path / f"run.jsonl{suffix}", whole_run=whole.lines)
    whole.receive_each(deck, "a", "b")
    held = deck.receive(output("held"))
    harm(deck.path)
    whole.receive_each(deck, "c")
    for event in held:
        deck.recorder.took(event)
        whole.events.append(event)
    await asyncio.sleep(0)
    whole.receive_each(deck, "d")
    (again,) = deck.receive(output("d"))
    deck.recorder.dropped(again)
    assert deck.said() == ["a", "b", "c", "held", "d"]
    assert deck.folded().state.links == []
    await asyncio.sleep(0)
    (trouble,) = deck.troubles
    assert trouble.endswith("was emptied by another program: it is written anew, with all that is known of the run")


async def test_a_recording_emptied_at_the_end_is_whole_when_closed(tmp_path: Path) -> None:
    whole = WholeRun()
    deck = Deck(tmp_path / "run.jsonl", whole_run=whole.lines)
    whole.receive_each(deck, "a")
    empty(deck.path)
    deck.recorder.close()
    assert deck.said() == ["a"]
    assert deck.recorder.end == identity_of(deck.path)


async def test_a_recording_emptied_in_silence_is_whole_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runconsole.recording.recorder.LOOK_S", 0.01)
    whole = WholeRun()
    deck = Deck(tmp_path / "run.jsonl", whole_run=whole.lines)
    whole.receive_each(deck, "a")
    empty(deck.path)
    async with asyncio.timeout(20):
        while not deck.path.stat().st_size:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)
    assert deck.said() == ["a"]
    assert len(deck.troubles) == 1


async def test_a_recording_emptied_twice_is_written_anew_twice(tmp_path: Path) -> None:
    whole = WholeRun()
    deck = Deck(tmp_path / "run.jsonl", whole_run=whole.lines)
    for text in ("a", "b", "c"):
        whole.receive_each(deck, text)
        deck.recorder.catch_up()
        empty(deck.path)
    assert deck.said() == ["a", "b", "c"]


@pytest.mark.parametrize("content", ["mine now\n", '{"runconsole":1,"version":"1","protocol":"json"}\n'])
async def test_an_overwritten_recording_is_left_alone(tmp_path: Path, content: str) -> None:
    whole = WholeRun()
    deck = Deck(tmp_path / "run.jsonl", whole_run=whole.lines)
    whole.receive_each(deck, *"abcde")
    deck.path.write_text(content)
    whole.receive_each(deck, "f")
    whole.receive_each(deck, "g")
    assert not deck.recorder.is_recording
    assert deck.path.read_text().startswith(content)
    assert "g" not in deck.path.read_text().partition("\n")[2]
    await asyncio.sleep(0)
    (trouble,) = deck.troubles
    assert trouble.endswith("what this console records is not in that; `save` writes the run to another file")
