"""The tree of a run's agents: tasks, the agents that work on them, and the tools that these call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

import msgspec

from runconsole.state import Agent, RunState, Task, ToolCall, Used, span_s
from runconsole.text.length import shortened
from runconsole.view.contract import AgentKind, AgentRow, Pair
from runconsole.view.rows import NAME, SENTENCE, Cutter, ms, number, reference, short

__all__ = ["AgentTree", "Node", "agent_row", "closed_of"]

Key: TypeAlias = tuple[AgentKind, str]
"""The kind and the id of a node."""
Sums: TypeAlias = tuple[int | None, float | None]
"""Tokens and cost in US dollars."""

_PREVIEW = 120
"""Characters of arguments and of a result in a row."""
_WHOLE = 100_000
"""The same in an opened row: what is longer is in the frame."""
_SEARCHED = 1_000
"""Characters of arguments and of a result in which a text is searched."""
_DEEPEST = 100
"""Agents above one another; one further down is at its task."""
_NONE: Sums = (None, None)


class Node(NamedTuple):
    """A row of the tree."""

    kind: AgentKind
    id: str
    level: int
    parts: int
    row: Task | Agent | ToolCall | None
    total: Sums
    """Of an agent and all below it; of a task as told, else of its agents."""

    @property
    def key(self) -> str:
        """The key of its row."""
        return f"{self.kind}:{reference(self.id)}"


class AgentTree:
    """The places of agents and tool calls, with their sums. A feed costs what is new."""

    def __init__(self) -> None:
        self._parts: dict[Key | None, dict[Key, None]] = {None: {}}
        """The children of each node, in order of arrival; None is the run."""
        self._above: dict[Key, Key | None] = {}
        self._seen = 0
        self._waiting: dict[str, list[str]] = {}
        """Agents whose parent is unknown, by its id."""
        self._own: dict[str, Sums] = {}
        self._totals: dict[str, Sums] = {}
        self._found: tuple[object, list[tuple[Key, int]]] = (None, [])
        """The newest answer to a search, and what it was about."""

    def __len__(self) -> int:
        """The number of nodes."""
        return len(self._above)

    def feed(self, state: RunState) -> None:
        """Take in what has changed."""
        for key in state.comings[self._seen :]:
            if key[0] == "call":
                self._put(key, _above(state, key))
                continue
            due = [key[1]]
            while due:
                agent_id = due.pop()
                self._place(state, agent_id)
                due += self._waiting.pop(agent_id, ())
        self._seen = len(state.comings)

    def _place(self, state: RunState, agent_id: str) -> None:
        """Put an agent in its place, and take in what it has used."""
        chain: list[tuple[Key, Key | None]] = []
        at: Key | None = ("agent", agent_id)
        while at is not None and at[0] == "agent":  # the agents above it may have moved, too
            chain.append((at, _above(state, at)))
            at = chain[-1][1]
        for key, above in reversed(chain):
            self._put(key, above)
        own, before = _own(state.agents[agent_id]), self._own.get(agent_id, _NONE)
        self._own[agent_id] = own
        self._add(("agent", agent_id), _difference(own, before))
        parent_id = state.agents[agent_id].parent_id
        if parent_id is not None and parent_id not in state.agents:
            self._waiting.setdefault(parent_id, []).append(agent_id)

    def _put(self, key: Key, above: Key | None) -> None:
        """Put a node below another one; a task is at the top."""
        if key in self._above:
            old = self._above[key]
            if old == above:
                return
            del self._parts[old][key]
            if old is not None and old[0] == "task" and not self._parts[old]:
                del self._parts[None][old], self._above[old]
            self._add_again(old)
        if above is not None and above[0] == "task" and above not in self._above:
            self._put(above, None)
        self._above[key] = above
        self._parts.setdefault(above, {})[key] = None
        if key[0] == "agent" and key[1] in self._totals:
            self._add(above, self._totals[key[1]])

    def _add(self, key: Key | None, used: Sums) -> None:
        """Add to the sums of an agent and of all above it."""
        while key is not None and key[0] == "agent" and used != _NONE:
            self._totals[key[1]] = _sum(self._totals.get(key[1], _NONE), used)
            key = self._above.get(key)

    def _add_again(self, key: Key | None) -> None:
        """Add up the sums of an agent, and of all above it, after one below it has moved."""
        while key is not None and key[0] == "agent":
            total = self._own.get(key[1], _NONE)
            for part in self._parts[key]:
                total = _sum(total, self._totals.get(part[1], _NONE)) if part[0] == "agent" else total
            self._totals[key[1]] = total
            key = self._above.get(key)

    # ---- reading ----------------------------------------------------------------------------------------------------

    def _walk(self, closed: Collection[str] = (), kept: Collection[Key] | None = None) -> Iterator[tuple[Key, int]]:
        """Yield the nodes from the top, each with its level; not what is below closed ones, and only the kept ones."""
        stack = [(iter(self._parts[None]), 1)]
        while stack:
            keys, level = stack[-1]
            key = next(keys, None)
            if key is None:
                stack.pop()
            elif kept is None or key in kept:
                yield key, level
                if key in self._parts and (not closed or f"{key[0]}:{reference(key[1])}" not in closed):
                    stack.append((iter(self._parts[key]), level + 1))

    def first(self, state: RunState, most: int) -> list[Node]:
        """Return the first rows."""
        return self._nodes(state, islice(self._walk(), most))

    def every(self, state: RunState) -> list[tuple[str, Node]]:
        """Return all rows with their keys."""
        return [(node.key, node) for node in self._nodes(state, self._walk())]

    def find(
        self, state: RunState, search: str, closed: frozenset[str], offset: int, most: int
    ) -> tuple[int, list[tuple[str, Node]]]:
        """Return the number of rows that are not below closed ones, and a part of them.

        With a search they are those that have the text, and what is above these.
        """
        about = (state.versions["agents"], state.versions["tool_calls"], search, closed)
        if self._found[0] != about:
            kept = self._matches(state, search.lower()) if search else None
            self._found = about, list(self._walk(closed, kept))
        found = self._found[1]
        nodes = self._nodes(state, found[offset : offset + most])
        return len(found), [(node.key, node) for node in nodes]

    def _matches(self, state: RunState, text: str) -> set[Key]:
        kept: set[Key] = set()
        for key in self._above:
            if text in _words(self._row(state, key), key[1]):
                at: Key | None = key
                while at is not None and at not in kept:
                    kept.add(at)
                    at = self._above[at]
        return kept

    def _nodes(self, state: RunState, found: Iterable[tuple[Key, int]]) -> list[Node]:
        return [
            Node(*key, level, len(self._parts.get(key, ())), self._row(state, key), self._total(state, key))
            for key, level in found
        ]

    def _row(self, state: RunState, key: Key) -> Task | Agent | ToolCall | None:
        kind, name = key
        held = state.agents if kind == "agent" else state.tool_calls if kind == "call" else state.tasks
        return held.get(name)

    def _total(self, state: RunState, key: Key) -> Sums:
        kind, name = key
        if kind == "agent":
            return self._totals.get(name, _NONE)
        task = state.tasks.get(name) if kind == "task" else None
        return _NONE if task is None else (task.tokens, task.cost_usd)


def closed_of(text: str) -> frozenset[str]:
    """Return the keys of closed rows, of their JSON; none for any other text."""
    try:
        return frozenset(msgspec.json.decode(text, type=list[str])) if text else frozenset()
    except msgspec.MsgspecError:
        return frozenset()


def _above(state: RunState, key: Key) -> Key | None:
    """Return the node above an agent or a call: the agent that has begun it, else its task."""
    kind, name = key
    row = state.tool_calls[name] if kind == "call" else state.agents[name]
    agent_id = row.parent_id if isinstance(row, Agent) else row.agent_id
    if agent_id is None or agent_id not in state.agents or (kind == "agent" and _is_below(state, agent_id, name)):
        return None if row.task_id is None else ("task", row.task_id)
    return "agent", agent_id


def _is_below(state: RunState, agent_id: str, other: str) -> bool:
    """Return whether an agent was begun by another one, or by one that it has begun; True for what is too deep."""
    seen: set[str] = set()
    at: str | None = agent_id
    while at is not None and at in state.agents and at not in seen:
        if at == other:
            return True
        seen.add(at)
        at = state.agents[at].parent_id
        if len(seen) > _DEEPEST:
            return True
    return False


def _own(agent: Agent) -> Sums:
    return agent.used.tokens, agent.used.cost_usd


def _difference(now: Sums, before: Sums) -> Sums:
    tokens = None if now[0] is None else now[0] - (before[0] or 0)
    return tokens, None if now[1] is None else now[1] - (before[1] or 0.0)


def _sum(one: Sums, other: Sums) -> Sums:
    tokens = one[0] if other[0] is None else (one[0] or 0) + other[0]
    return tokens, one[1] if other[1] is None else (one[1] or 0.0) + other[1]


def _words(row: Task | Agent | ToolCall | None, name: str) -> str:
    """Return the words in which a text is searched, in lower case."""
    parts = [name, getattr(row, "name", None), getattr(row, "model", None), str(getattr(row, "status", ""))]
    parts += [(getattr(row, field, None) or "")[:_SEARCHED] for field in ("arguments", "result", "error")]
    return "\n".join(filter(None, parts)).lower()


# ---- rows -----------------------------------------------------------------------------------------------------------


def agent_row(node: Node, cutter: Cutter) -> AgentRow:
    """Return a row of the picture."""
    row, call = node.row, node.row if isinstance(node.row, ToolCall) else None
    agent = row if isinstance(row, Agent) else None
    tokens, cost = node.total
    own = (tokens, cost) if agent is None else _own(agent)
    took = (
        None if row is None else row.duration_s if row.duration_s is not None else span_s(row.started_at, row.ended_at)
    )
    return {
        "key": node.key,
        "kind": node.kind,
        "id": cutter("id", node.id, NAME),
        "level": node.level,
        "parts": node.parts,
        "name": cutter("name", None if row is None else row.name, NAME) or short(node.id),
        "status": "pending" if row is None else str(row.status),
        "model": None if agent is None else _models(agent),
        "tokens": tokens,
        "own_tokens": own[0],
        "cost_usd": number(cost, 6),
        "own_cost_usd": number(own[1], 6),
        "started_at": None if row is None else ms(row.started_at),
        "duration_s": number(took),
        "error": cutter("error", None if row is None else row.error, SENTENCE),
        "arguments": None if call is None else _text(cutter, "arguments", call.arguments),
        "result": None if call is None else _text(cutter, "result", call.result),
        "facts": [] if agent is None else _facts(agent, cutter),
    }


def _models(agent: Agent) -> str | None:
    """Return the names of an agent's models in a few words."""
    if agent.model is None:
        return None
    others = len(agent.by_model.keys() - {agent.model, None})
    return short(agent.model) + (f" +{others}" if others else "")


def _text(cutter: Cutter, field: str, text: str | None) -> str | None:
    """Return arguments or a result: a text as it is, other values as JSON."""
    if text is None:
        return None
    if text.startswith('"'):
        text = _plain(text)
    if not cutter.whole:
        return cutter(field, text, _PREVIEW)
    more = len(text) - _WHOLE
    note = f"\n[{more:,} more characters are in the frame tool_calls]" if more > 0 else ""
    return (cutter(field, text[:_WHOLE], _WHOLE) or "") + note


def _plain(text: str) -> str:
    try:
        return msgspec.json.decode(text, type=str)
    except msgspec.MsgspecError:
        return text


def _facts(agent: Agent, cutter: Cutter) -> list[Pair]:
    """Return what is known of an agent's own tokens, as names and texts."""
    shown = [("", agent.used)]
    if len(agent.by_model) > 1:
        shown += [(f", {shortened(model or 'unknown model', NAME)}", used) for model, used in agent.by_model.items()]
    facts = [[f"{name}{of}", text] for of, used in shown[:_MOST_MODELS] for name, text in _counts(used)]
    return [[cutter("facts", name, SENTENCE), text] for name, text in facts]


_MOST_MODELS = 10


def _counts(used: Used) -> Iterator[tuple[str, str]]:
    for name, count in (
        ("Tokens", used.tokens),
        ("Input", used.input_tokens),
        ("from cache", used.cached_tokens),
        ("Output", used.output_tokens),
        ("reasoning", used.reasoning_tokens),
    ):
        if count is not None:
            yield name, f"{count:,}"
    if used.cost_usd is not None:
        yield "Cost", f"${used.cost_usd:,.4f}"
