"""The tokens that the end of a run reports: by agent and by model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runconsole.events import AgentReported, TaskStatus, TokenUsage

__all__ = ["agents_that_used", "goes_on"]

_ROOT = "agent"
"""The id and the name of the agent that the run is about."""
_MOST = 2**53


def agents_that_used(usage: Any, run_id: str, status: TaskStatus) -> list[AgentReported]:
    """Return news of each agent that a run's usage names. An entry that names no sub-agent is the agent's own.

    The end of a run that comes again gives the same entries, so that they count once. `status` is the agent's own.
    """
    found: dict[str, tuple[TokenUsage, ...]] = {}
    for number, entry in enumerate(usage if isinstance(usage, list) else ()):
        read = _read(entry, f"{run_id}:{number}") if isinstance(entry, Mapping) else None
        if read is not None:
            whose = entry.get("subagentRunId")
            name = whose if isinstance(whose, str) and whose else _ROOT
            found[name] = (*found.get(name, ()), read)
    return [
        AgentReported(name, status=status, name=_ROOT, usage=used) if name == _ROOT else AgentReported(name, usage=used)
        for name, used in found.items()
    ]


def goes_on() -> AgentReported:
    """Return the news that the agent works again."""
    return AgentReported(_ROOT, status=TaskStatus.RUNNING)


def _read(entry: Mapping[str, Any], name: str) -> TokenUsage | None:
    """Return the counts of an entry; None for none. Reasoning and cached tokens are parts of the others."""
    model = entry.get("model")
    counts = {
        "tokens": _count(entry.get("totalTokens")),
        "input_tokens": _count(entry.get("inputTokens")),
        "output_tokens": _count(entry.get("outputTokens")),
        "cached_tokens": _count(entry.get("cachedInputTokens")),
        "reasoning_tokens": _count(entry.get("reasoningTokens")),
    }
    if all(count is None for count in counts.values()):
        return None
    return TokenUsage(name, model if isinstance(model, str) and model else None, **counts)


def _count(value: object) -> int | None:
    is_count = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _MOST
    return round(value) if is_count else None  # type: ignore[call-overload]  # a number
