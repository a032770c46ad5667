"""Visible marks for deceptive characters, by the same rule as in the panel; harmless ones stay."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runconsole.text.marks import escaped, marked
from tests.support.folding import CONTRACT, execution, fold, task

CASES = json.loads((CONTRACT / "marks.json").read_text(encoding="utf-8"))
OVERRIDE = "app/\u202eyp.niam"
SEEN = "app/⟨U+202E⟩yp.niam"


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_deceptive_characters_are_marked_and_joiners_stay(text: str, shown: str) -> None:
    assert marked(text) == shown


def test_every_control_and_format_character_by_itself_is_marked() -> None:
    unsafe = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    left = [
        code for code in range(0x110000) if unicodedata.category(chr(code)) in unsafe and marked(chr(code)) == chr(code)
    ]
    assert left == [0x09, 0x0A]


@given(st.text())
def test_marks_are_set_once(text: str) -> None:
    assert marked(marked(text)) == marked(text)


@given(st.text())
def test_escaped_json_is_the_same_value_with_nothing_hidden(text: str) -> None:
    shown = escaped(json.dumps({"x": text}, ensure_ascii=False))
    assert json.loads(shown) == {"x": text}
    assert marked(shown) == shown


def test_every_shown_text_but_the_raw_payload_is_marked() -> None:
    frames = [
        execution("execution_started", execution_id=OVERRIDE, phases=[{"number": 1, "name": OVERRIDE}]),
        execution(
            "progress_update", task_id=OVERRIDE, task_name=OVERRIDE, phase=1, phase_name=OVERRIDE, status="in_progress"
        ),
        task("task.progress", taskId=OVERRIDE, currentStep=OVERRIDE, progress=4),
        task("task.output", taskId=OVERRIDE, stream="stdout", data=f"\x1b[31m{OVERRIDE}\x1b[0m\n"),
        execution("artifact_created", path=OVERRIDE, language=OVERRIDE, type=OVERRIDE, task_id=OVERRIDE),
        execution("error", message=OVERRIDE, error_type=OVERRIDE, stack_trace=OVERRIDE, task_id=OVERRIDE),
        task("system.alert", message=OVERRIDE, severity=OVERRIDE),
        task(
            "task.hitl_required",
            taskId=OVERRIDE,
            checkpointId="c",
            checkpointType=OVERRIDE,
            title=OVERRIDE,
            description=OVERRIDE,
            options=[{"id": "approve", "label": OVERRIDE, "description": OVERRIDE}],
            defaultAction="approve",
            context={
                "spec": OVERRIDE,
                "risk": OVERRIDE,
                "plan": f"{OVERRIDE}\n{OVERRIDE}",
                OVERRIDE: OVERRIDE,
                "changes": [{"action": "modify", "path": OVERRIDE}, {"diff": f"+{OVERRIDE}"}, OVERRIDE],
            },
        ),
    ]
    folded = fold(frames, title=OVERRIDE)
    picture = folded.picture()["picture"]
    events = picture.pop("events")
    assert "\u202e" not in json.dumps(picture, ensure_ascii=False)
    assert SEEN in picture["checkpoints"]["rows"][0]["context"]["changes"][0]
    assert picture["checkpoints"]["rows"][0]["options"][0]["label"] == SEEN
    assert SEEN in picture["output"]["rows"][0]["text"]
    assert events["rows"][-1]["type"] == "task.hitl_required"
    assert "\u202e" not in folded.screen()
    assert SEEN in folded.screen()
    assert folded.tables.frame("artifacts")["path"].tolist() == [OVERRIDE]
