"""Lone surrogates in every input: nothing freezes, and sent or shown text is encodable."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runconsole import Console, InvalidArgument
from runconsole.events import Alert, LinkChanged, Received
from runconsole.text.unicode import encodable_fact, encodable_value
from tests.servers.json_server import JsonServer
from tests.support.folding import execution, task

HALF = "x\ud83d"
"""With half an emoji, as a browser cuts one."""
STRAY = os.fsdecode(b"x\xff")
"""With a byte that is no text, as a file name may hold one."""
STARTED = task("task.started", taskId=HALF)
END = execution("execution_completed", status="success")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HALF, "x\ufffd"),
        ("\ud83d\ude00", "\N{GRINNING FACE}"),
        ("plain", "plain"),
        ([{HALF: (HALF, 5, None)}], [{"x\ufffd": ("x\ufffd", 5, None)}]),
        (b"bytes", b"bytes"),
    ],
)
def test_every_text_of_a_value_becomes_encodable(value: Any, expected: Any) -> None:
    assert encodable_value(value) == expected


def test_every_text_of_a_fact_becomes_encodable() -> None:
    fact = Received(HALF, Alert("error", STRAY), "", 7)
    assert encodable_fact(fact) == Received("x\ufffd", Alert("error", "x\ufffd"), "", 7)
    link = LinkChanged(7, "live")
    assert encodable_fact(link) is link


@pytest.mark.parametrize(
    "options",
    [{"title": HALF}, {"task": HALF}, {"execution": HALF}, {"subscribe": {"a": [HALF]}}, {"decide": HALF}],
    ids=lambda options: next(iter(options)),
)
def test_options_with_half_a_character_work(options: dict[str, Any], tmp_path: Path) -> None:
    record = tmp_path / f"{STRAY}.jsonl"
    with JsonServer([STARTED, END]) as server, Console(server.url, record=record, **options) as console:
        assert console.wait(20)
        console.to_parquet(tmp_path / "runs")
        console.to_arrow("events")
        console.save(tmp_path / f"copy-{STRAY}.jsonl")
        for text in (str(console), repr(console), console._engine.title, console.address):
            text.encode()
        msgspec.json.encode(console.run)
    again = Console(tmp_path / f"copy-{STRAY}.jsonl")
    assert again.run.status == "completed"
    repr(again).encode()


@pytest.mark.parametrize(
    "use",
    [
        Console,
        lambda name: Console("ws://127.0.0.1:9/ws", record=name),
        lambda name: Console("ws://127.0.0.1:9/ws", start=False).save(name),
    ],
    ids=["url", "record", "save"],
)
def test_a_name_that_no_file_can_have_is_refused(use: Callable[[str], Any], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="expected the name of a file"):
        use(str(tmp_path / f"{HALF}.jsonl"))


def test_a_directory_that_arrow_cannot_name_is_refused(tmp_path: Path) -> None:
    console = Console("ws://127.0.0.1:9/ws", start=False)
    with pytest.raises(InvalidArgument, match="expected the name of a directory in UTF-8"):
        console.to_parquet(tmp_path / STRAY)


@pytest.mark.parametrize("auth", ["header", "query", "params", "message"])
def test_a_token_with_half_a_character_is_refused_and_not_shown(auth: Any) -> None:
    with pytest.raises(InvalidArgument, match="half a character in it") as caught:
        Console("ws://127.0.0.1:9/ws", token=f"s3cret-{HALF}", auth=auth)
    assert "s3cret" not in str(caught.value)
