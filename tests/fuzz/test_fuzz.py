"""The fuzzer for some seconds a part (`RUNCONSOLE_FUZZ_SECONDS`): no input breaks a rule."""

from __future__ import annotations

import os
import secrets

import pytest

from tests.fuzz.running import PARTS, fuzz

SECONDS = float(os.environ.get("RUNCONSOLE_FUZZ_SECONDS", "15"))


@pytest.mark.timeout(SECONDS + 180)
@pytest.mark.parametrize("part", sorted(PARTS))
def test_nothing_that_comes_breaks_a_rule(part: str) -> None:
    seed = int(os.environ.get("RUNCONSOLE_FUZZ_SEED") or secrets.randbelow(2**32))
    found = fuzz(part, seed, SECONDS)
    by_hand = f"python -m tests.fuzz --part {part} --seed {seed}"
    assert found.failure is None, f"{found.failure}\n(by hand: {by_hand})"
    assert found.rounds > 0
