"""The page of results: from the lines that the benchmarks printed to Markdown, without any other source."""

from __future__ import annotations

from typing import Any

__all__ = ["page"]

Line = dict[str, Any]

_HEAD = """# Results

Made by `make bench` from the lines in `results.jsonl`; do not edit. What each of them measures, and how, says the text
at the head of its script. A ratio's two sides were measured in the same run, in turn. *Load* is the machine's load
average when the line was written: on a *crowded* machine, which does other things too, times of the browser say little.
"""
_AROUND = (
    "script",
    "command",
    "benchmark",
    "value",
    "unit",
    "bar",
    "met",
    "against",
    "at",
    "load",
    "machine",
    "versions",
)


def page(lines: list[Line]) -> str:
    """Return the page of these lines: the bars, then every number of each, then machines and versions."""
    parts = [_HEAD, *_bars(lines), *_numbers(lines), *_around(lines)]
    return "\n".join(parts) + "\n"


def _bars(lines: list[Line]) -> list[str]:
    rows = ["| what | measured | bar | | against |", "|---|---|---|---|---|"]
    for line in lines:
        met = {True: "met", False: "**missed**", None: ""}[line.get("met")]
        if line.get("crowded"):
            met += f" (crowded machine: load {line['load']})"
        cells = [_words(line["benchmark"]), _measured(line), _bar(line), met, _words(line.get("against", ""))]
        rows.append("| " + " | ".join(cells) + " |")
    return [*rows, ""]


def _measured(line: Line) -> str:
    return "" if "value" not in line else f"{_number(line['value'])} {line.get('unit', '')}".strip()


def _bar(line: Line) -> str:
    signs = {"at_least": "≥", "at_most": "≤"}
    return ", ".join(f"{signs[way]} {_number(number)}" for way, number in (line.get("bar") or {}).items())


def _numbers(lines: list[Line]) -> list[str]:
    parts, script = ["## Every number", ""], None
    for line in lines:
        if line["script"] != script:
            script = line["script"]
            parts += [f"### {script}", "", f"`{line['command']}`", ""]
        numbers = "; ".join(
            f"{_words(name.replace('_', ' '))} {_number(value)}" for name, value in line.items() if name not in _AROUND
        )
        parts += [f"- **{_words(line['benchmark'])}** ({line.get('at', '?')}, load {line.get('load', '?')}): {numbers}"]
        if line is lines[-1] or lines[lines.index(line) + 1]["script"] != script:
            parts.append("")
    return parts


def _around(lines: list[Line]) -> list[str]:
    """Describe the machine of each script; scripts of one machine are one entry."""
    places: dict[str, list[str]] = {}
    for line in lines:
        machine, versions = line.get("machine", {}), line.get("versions", {})
        on = (
            f"{machine.get('cpu', '?')}, {machine.get('cores', '?')} cores, {machine.get('memory_gb', '?')} GB,"
            f" {machine.get('system', '?')}; " + ", ".join(f"{name} {number}" for name, number in versions.items())
        )
        scripts = places.setdefault(_words(on), [])
        if line["script"] not in scripts:
            scripts.append(line["script"])
    return ["## Machine and versions", "", *(f"- {', '.join(scripts)}: {on}" for on, scripts in places.items())]


def _number(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, dict):
        return ", ".join(f"{_words(str(name))} {_number(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_number, value)) or "none"
    if isinstance(value, int | float):
        return f"{value:,}"
    return _words(str(value))


def _words(text: str) -> str:
    """Return the text escaped for a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")
