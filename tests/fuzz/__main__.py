"""`python -m tests.fuzz --seconds 3600 [--seed N] [--part frames|recordings|messages]`: fuzz by hand."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.fuzz.running import PARTS, fuzz


def main() -> int:
    """Run every part for its share of the time; return 1 if one found a fault."""
    parser = argparse.ArgumentParser(description="Mutate frames, recordings and messages of the page.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--part", choices=sorted(PARTS))
    given = parser.parse_args()
    parts = [given.part] if given.part else sorted(PARTS)
    failures = 0
    for part in parts:
        found = fuzz(part, given.seed, given.seconds / len(parts))
        sys.stdout.write(f"{part}: {found.rounds} rounds with --seed {given.seed}\n")
        if found.failure is not None:
            failures += 1
            sys.stdout.write(f"{found.failure}\n")
    return 1 if failures else 0


sys.exit(main())
