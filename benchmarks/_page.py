"""Helpers of the benchmarks in a browser: a notebook that shows a console, and the times of its page's paints."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.lab import open_lab

if TYPE_CHECKING:
    from tests.e2e.lab import Lab, NotebookPage

__all__ = ["ECHO", "STATES", "busy", "notebook", "watch"]

_SHOW = "from runconsole import ConsoleWidget\nw = ConsoleWidget({url!r})"
STATES = {
    "idle": "",
    "sleeping": "import time\ntime.sleep({seconds})",
    "spinning": "import time\nend = time.perf_counter() + {seconds}\nwhile time.perf_counter() < end: sum(range(1000))",
    "pandas": (
        "import time\nimport numpy, pandas\n"
        "frame = pandas.DataFrame({{'key': numpy.arange(2_000_000) % 1009, 'value': numpy.random.rand(2_000_000)}})\n"
        "end = time.perf_counter() + {seconds}\n"
        "while time.perf_counter() < end: frame.groupby('key').value.agg(['mean', 'std']).sort_values('std')"
    ),
}
"""The kernel's work meanwhile: the cell."""

ECHO = """
import contextvars, threading, time
import anywidget

class Echo(anywidget.AnyWidget):
    _esm = '''
    export default { render({ model, el }) {
      window.echoes = [];
      model.on("msg:custom", ({ at }) => requestAnimationFrame(() => {
        el.textContent = at;
        const channel = new MessageChannel();
        channel.port1.onmessage = () => window.echoes.push(Date.now() / 1000 - at);
        channel.port2.postMessage(null);
      }));
    } };
    '''

def beat(widget, context):
    while True:
        time.sleep(0.2)
        context.copy().run(widget.send, {"at": time.time()})

echo = Echo()
threading.Thread(target=beat, args=(echo, contextvars.copy_context()), daemon=True).start()
echo
"""
"""A cell with the least possible code between a kernel and its page: a widget that paints five times a second, from a
thread; ``window.echoes`` has the seconds from each message to its paint. Every panel takes at least as long."""

_WATCH = """(panel, pattern) => {
  const seen = (window.painted = []);
  let waiting = false, newest = -1;
  // After the frame in which the text is on the page: a message posted in it is handled when it has been painted.
  const look = () => requestAnimationFrame(() => {
    waiting = false;
    const numbers = [...panel.textContent.matchAll(new RegExp(pattern, "g"))].map((match) => Number(match[1]));
    const number = Math.max(-1, ...numbers);
    if (number <= newest) return;
    newest = number;
    const channel = new MessageChannel();
    channel.port1.onmessage = () => seen.push([number, Date.now() / 1000]);
    channel.port2.postMessage(null);
  });
  new MutationObserver(() => {
    if (!waiting) look();
    waiting = true;
  }).observe(panel, { subtree: true, childList: true, characterData: true });
}"""


@contextmanager
def notebook(url: str, cells: list[str], *, ipykernel: str | None = None) -> Iterator[tuple[Lab, NotebookPage]]:
    """A notebook in JupyterLab whose first cell has shown a console of this address; then come these cells."""
    with open_lab() as lab:
        kernel = lab.kernel(ipykernel) if ipykernel else "python3"
        page = lab.new_notebook([_SHOW.format(url=url), *cells], kernel=kernel)
        page.run_cell(0)
        page.panel.wait_for()
        yield lab, page


def busy(page: NotebookPage, state: str, number: int, seconds: float) -> None:
    """Start the cell of a state and wait until the kernel runs it; nothing for ``idle``."""
    if state == "idle":
        time.sleep(1)
        return
    page.run_cell(number, wait=False)
    page.tab.wait_for_function("path => harness.state(path) === 'busy'", arg=page.path)
    time.sleep(min(1.0, seconds / 10))


def watch(page: NotebookPage, pattern: str) -> None:
    r"""Note from now on in ``window.painted`` the greatest number in the panel's text, with the time of its paint.

    Args:
        page: shows one panel.
        pattern: a regular expression of JavaScript with the number in a group: ``event (\d+)``.
    """
    page.panel.evaluate(_WATCH, pattern)
