"""Keys: the bytes of a terminal, and the keys that they mean."""

from __future__ import annotations

import os
import pty
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.terminal.keys import Keyboard, split_keys


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("1", ["1"]),
        ("1\r", ["1", "enter"]),
        ("\n", ["enter"]),
        ("\x7f\b", ["backspace", "backspace"]),
        ("\t", ["tab"]),
        ("\x1b", ["escape"]),
        ("\x1b[A\x1bOB\x1b[1;5C", []),
        ("\x1b[200~é\x1b[201~", ["é"]),
        ("\x00\x01", []),
    ],
)
def test_bytes_of_a_terminal_are_read_as_keys(typed: str, keys: list[str]) -> None:
    assert split_keys(typed) == keys


@given(st.text())
def test_keys_are_printable_characters_and_names(typed: str) -> None:
    assert all(key.isprintable() for key in split_keys(typed))


def test_characters_that_come_in_pieces_are_put_together() -> None:
    first, last = "é".encode()[:1], "é".encode()[1:]
    main, side = pty.openpty()
    try:
        modes = termios.tcgetattr(side)
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(side, termios.TCSANOW, modes)
        keyboard = Keyboard(side)
        os.write(main, first)
        assert keyboard.read(5) == []
        os.write(main, last)
        assert keyboard.read(5) == ["é"]
        assert keyboard.read(0) == []
    finally:
        os.close(main)
        os.close(side)
