import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { task } from "../../dev/fake";
import { Bench, fakeTime, later, layOut, picture, table } from "../support";

fakeTime();
beforeEach(() => {
  layOut();
});
afterEach(() => {
  vi.unstubAllGlobals();
  document.body.className = "";
});

/** An output as JupyterLab paints one from HTML: a sentence, then the report. */
function output(name = "p1"): HTMLElement {
  const area = document.createElement("div");
  const el = document.createElement("div");
  el.className = "jp-RenderedHTMLCommon";
  area.append(el);
  document.body.append(area);
  paint(el, name);
  return el;
}

function paint(el: HTMLElement, name = "p1"): void {
  el.innerHTML = `▶ 20 % · A run\n<runconsole-report data-place="${name}"><p>the report</p></runconsole-report>`;
}

async function bench(): Promise<Bench> {
  const made = new Bench();
  made.model.traits.place = "p1";
  document.body.className = "jp-NotebookPanel";
  made.widget.initialize({ model: made.model, signal: made.life.signal });
  made.snapshot(picture({}, { tasks: table([task("t")]) }));
  await later();
  return made;
}

describe("a report in the page", () => {
  test("gives its place to the panel of its run, and takes no other", async () => {
    const [early, other] = [output(), output("p2")];
    const made = await bench();
    const late = output();
    made.snapshot(picture());
    await later();
    for (const el of [early, late]) {
      expect(el.querySelector("section")).not.toBeNull();
      expect(el.textContent).not.toContain("▶ 20 %");
      expect(el.classList).not.toContain("jp-RenderedHTMLCommon");
    }
    expect(other.textContent).toContain("the report");
    expect(made.sent("ready")[0]?.places).toBe(true);
  });

  test("that is painted anew keeps the panel", async () => {
    const made = await bench();
    const el = output();
    made.snapshot(picture({}, { tasks: table([task("t")]) }));
    await later();
    const panel = el.querySelector("section");
    el.querySelector<HTMLElement>('[role="tab"]:nth-of-type(2)')?.click();
    await later();
    const chosen = el.querySelector('[role="tab"][aria-selected="true"]')?.textContent;
    expect(chosen).toContain("Tasks");
    paint(el);
    await later(1000);
    expect(el.querySelector('[role="tab"][aria-selected="true"]')?.textContent).toBe(chosen);
    expect(el.querySelector("section")).toBe(panel);
    expect(el.querySelectorAll("section")).toHaveLength(1);
  });

  test("takes over from a view that the host throws away", async () => {
    const made = await bench();
    made.widget.render({ model: made.model, el: made.el, signal: made.view.signal });
    made.snapshot(picture());
    await later();
    const panel = made.el.querySelector("section");
    made.view.abort();
    const el = output();
    await later(1000);
    expect(el.querySelector("section")).toBe(panel);
  });

  test("ends with its output, and with its run", async () => {
    const made = await bench();
    const [gone, left] = [output(), output()];
    await later();
    gone.remove();
    await later(1000);
    expect(gone.querySelector("section")).toBeNull();
    expect(left.querySelector("section")).not.toBeNull();
    made.life.abort();
    await later(1000);
    expect(left.querySelector("section")).toBeNull();
    expect(made.model.listeners).toBe(0);
  });

  test("keeps the panel while the host hides it", async () => {
    const made = await bench();
    const el = output();
    el.parentElement?.classList.add("jp-OutputArea");
    made.snapshot(picture());
    await later();
    const panel = el.querySelector("section");
    const area = el.parentElement as HTMLElement;
    area.remove();
    await later(2000);
    document.body.append(area);
    await later();
    expect(el.querySelector("section")).toBe(panel);
  });
});
