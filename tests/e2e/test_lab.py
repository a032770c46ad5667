"""The harness itself: if these fail, look here first, not at the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.kernels import KernelError
from tests.e2e.lab import DARK, LIGHT

if TYPE_CHECKING:
    from tests.e2e.lab import Lab

COUNTER = """
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = '''
    export default {
      render({ model, el }) {
        const button = document.createElement("button");
        const show = () => { button.textContent = `count is ${model.get("count")}`; };
        button.onclick = () => model.send({ kind: "add" });
        model.on("change:count", show);
        show();
        el.append(button);
      },
    };
    '''
    count = traitlets.Int(0).tag(sync=True)

    def __init__(self):
        super().__init__()
        self.on_msg(self._add)

    def _add(self, widget, content, buffers):
        self.count += 1

counter = Counter()
counter
"""


def test_a_widget_shows_up_and_answers_a_click(lab: Lab) -> None:
    notebook = lab.new_notebook([COUNTER])
    notebook.run_all()
    notebook.output(0).get_by_role("button", name="count is 0").click()
    expect(notebook.output(0).get_by_role("button", name="count is 1")).to_be_visible()
    assert notebook.kernel_eval("counter.count") == 1


def test_a_slider_of_ipywidgets_follows_the_kernel(lab: Lab) -> None:
    notebook = lab.new_notebook(["import ipywidgets", "slider = ipywidgets.IntSlider(value=3)\nslider"])
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.kernel_exec("slider.value = 42")
    expect(notebook.output(1).get_by_text("42")).to_be_visible()


def test_a_page_shows_the_chosen_theme(lab: Lab) -> None:
    notebook = lab.new_notebook(["1"])
    shown = notebook.tab.locator("body")
    expect(shown).to_have_attribute("data-jp-theme-name", LIGHT)
    notebook.set_theme(DARK)
    expect(shown).to_have_attribute("data-jp-theme-name", DARK)
    notebook.reload()
    expect(shown).to_have_attribute("data-jp-theme-name", DARK)


def test_a_cell_that_raises_is_an_error_unless_it_may(lab: Lab) -> None:
    notebook = lab.new_notebook(["1 / 0"])
    notebook.run_cell(0, may_fail=True)
    with pytest.raises(KernelError, match="ZeroDivisionError"):
        notebook.run_cell(0)


def test_a_reload_keeps_the_kernel_and_a_save_the_outputs(lab: Lab) -> None:
    notebook = lab.new_notebook(["number = 6 * 7\nprint(number)"])
    notebook.run_all()
    assert notebook.save().cells[0].outputs[0].text == "42\n"
    notebook.reload()
    assert notebook.kernel_eval("number") == 42
    expect(notebook.output(0)).to_contain_text("42")


def test_code_runs_beside_a_blocked_cell_in_a_subshell(lab: Lab) -> None:
    notebook = lab.new_notebook(["import threading\ngate = threading.Event()", "gate.wait(60)"])
    notebook.run_cell(0)
    notebook.run_cell(1, wait=False)
    notebook.kernel_exec("gate.set()", subshell=True)
    notebook.wait_idle()
    expect(notebook.output(1)).to_contain_text("True")


def test_a_notebook_runs_on_another_ipykernel(lab: Lab) -> None:
    notebook = lab.new_notebook([COUNTER], kernel=lab.kernel("7.1.0"))
    notebook.run_all()
    assert notebook.kernel_eval("__import__('ipykernel').__version__") == "7.1.0"
    notebook.output(0).get_by_role("button", name="count is 0").click()
    expect(notebook.output(0).get_by_role("button", name="count is 1")).to_be_visible()
