import { describe, expect, test, vi } from "vitest";
import { checkpoint, task } from "../dev/fake";
import { Bench, fakeTime, later, layOut, NOW, picture, table } from "./support";

fakeTime();

describe("a view", () => {
  test("says ready thrice and shows the kernel's snapshot", async () => {
    const bench = await new Bench().show(picture({ title: "nightly" }));
    await later(2000);
    expect(bench.sent("ready")).toHaveLength(3);
    bench.get.getByRole("heading", { name: "nightly" });
  });

  test("leaves nothing behind when its signals are aborted", async () => {
    const asked = checkpoint("c", { deadline: NOW + 60_000 });
    const bench = await new Bench().show(picture({}, { checkpoints: table([asked]) }));
    for (const name of ["Tasks", "Output", "Timeline", "Overview"]) await bench.tab(name);
    await bench.ask(asked.title);
    bench.get.getByRole("button", { name: "Approve" }).click();
    await later();
    bench.view.abort();
    bench.life.abort();
    expect(bench.model.listeners).toBe(0);
    expect(bench.el.childElementCount).toBe(0);
    await later(200);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("can be closed without a signal, by render's result", async () => {
    const bench = new Bench();
    const end = bench.widget.initialize({ model: bench.model });
    const close = bench.widget.render({ model: bench.model, el: bench.el });
    bench.snapshot(picture());
    await later();
    close();
    close();
    end();
    await later(200);
    expect(bench.model.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that is closed leaves the others of the run alive", async () => {
    const bench = await new Bench().show(picture());
    const other = document.createElement("div");
    bench.widget.render({ model: bench.model, el: other, signal: bench.life.signal });
    await later();
    bench.view.abort();
    await bench.patch({ head: { title: "renamed" } });
    expect(other.textContent).toContain("renamed");
  });

  test("opened later shows the truth at once", async () => {
    const bench = await new Bench().show(picture({ title: "first" }));
    await bench.patch({ head: { title: "second" } });
    const other = document.createElement("div");
    bench.widget.render({ model: bench.model, el: other, signal: bench.view.signal });
    expect(other.textContent).toContain("second");
  });

  test("that the host throws away goes on in the next place", async () => {
    layOut();
    const bench = new Bench();
    document.body.append(bench.el);
    await bench.show(picture({}, { tasks: table([task("t")]) }));
    await bench.tab("Tasks");
    const panel = bench.el.querySelector("section");
    bench.el.remove();
    const [other, beside] = [document.createElement("div"), document.createElement("div")];
    document.body.append(other, beside);
    const [moved, fresh] = [new AbortController(), new AbortController()];
    bench.widget.render({ model: bench.model, el: other, signal: moved.signal });
    bench.widget.render({ model: bench.model, el: beside, signal: fresh.signal });
    await later();
    expect(other.querySelector("section")).toBe(panel);
    expect(other.querySelector('[role="tab"][aria-selected="true"]')?.textContent).toContain("Tasks");
    expect(beside.querySelector("section")).not.toBe(panel);
    bench.view.abort();
    expect(other.childElementCount).toBe(1);
    moved.abort();
    fresh.abort();
    expect(other.childElementCount + beside.childElementCount).toBe(0);
    other.remove();
    beside.remove();
    vi.unstubAllGlobals();
  });

  test("stays in its next place when the host releases the last one twice", async () => {
    layOut();
    const bench = new Bench();
    document.body.append(bench.el);
    bench.widget.initialize({ model: bench.model, signal: bench.life.signal });
    const signal = new AbortController();
    const release = bench.widget.render({ model: bench.model, el: bench.el, signal: signal.signal });
    bench.snapshot(picture());
    await later();
    bench.el.remove();
    const next = document.createElement("div");
    document.body.append(next);
    bench.widget.render({ model: bench.model, el: next, signal: bench.view.signal });
    signal.abort();
    release();
    await later(1000);
    expect(next.querySelector("section")).not.toBeNull();
    vi.unstubAllGlobals();
  });

  test("has ids of its own beside another view", async () => {
    const bench = await new Bench().show(picture({}, { checkpoints: table([checkpoint("c")]) }));
    const other = document.createElement("div");
    bench.widget.render({ model: bench.model, el: other, signal: bench.view.signal });
    await later();
    const ids = [bench.el, other].flatMap((el) => [...el.querySelectorAll("[id]")].map(({ id }) => id));
    expect(ids.length).toBeGreaterThan(4);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("follows the height that Python sets", async () => {
    const bench = await new Bench().show(picture());
    bench.model.set("height", 500);
    await later();
    expect(bench.get.getByRole("region", { name: "Run console" }).style.height).toBe("500px");
  });
});

describe("without a kernel", () => {
  const saved = () => ({
    version: 3,
    now: NOW - 86_400_000,
    picture: picture({ started_at: NOW - 86_460_000 }, { checkpoints: table([checkpoint("c", { deadline: NOW })]) }),
  });

  test("a saved notebook shows the picture with locked buttons", async () => {
    const bench = new Bench();
    bench.model.traits.picture = saved();
    await bench.show();
    expect(bench.el.textContent).toContain("A run");
    await later(5000);
    expect(bench.el.textContent).toContain("Recorded: no kernel attached");
    expect(bench.el.textContent).toContain("1m 00s");
    const button = bench.get.getByRole("button", { name: "Approve" });
    expect(button.getAttribute("aria-disabled")).toBe("true");
    const why = document.getElementById(button.getAttribute("aria-describedby") ?? "");
    expect(why?.textContent).toContain("no kernel is attached");
    button.click();
    expect(bench.sent("decide")).toHaveLength(0);
  });

  test("a dead model says so instead of failing", async () => {
    const bench = await new Bench().show(picture({}, { checkpoints: table([checkpoint("c")]) }));
    bench.model.dead = true;
    bench.get.getByRole("button", { name: "Approve" }).click();
    await later();
    expect(bench.el.textContent).toContain("The kernel is gone; run the cell again.");
    expect(bench.get.getByRole("button", { name: "Approve" }).getAttribute("aria-disabled")).toBe("true");
  });

  test("a kernel that falls silent is said to be busy, quietly", async () => {
    const bench = await new Bench().show(picture());
    await later(8000);
    expect(bench.el.textContent).toContain("Kernel busy or unreachable");
    bench.model.receive({ kind: "heartbeat", version: 0, now: Date.now(), subshell: true });
    await later();
    expect(bench.el.textContent).not.toContain("Kernel busy");
  });
});

test("messages that are none are ignored", async () => {
  const bench = await new Bench().show(picture({ title: "still here" }));
  for (const odd of [null, 5, "text", {}, { kind: 7 }, { kind: "news" }]) bench.model.receive(odd as never);
  await later();
  expect(bench.el.textContent).toContain("still here");
});

test("everything from the stream is text, wherever it is shown", async () => {
  const evil = '<img src=x onerror="globalThis.pwned = 1">';
  const row = task("t", { name: evil, step: evil, error: evil, phase_name: evil, status: "running" });
  const asked = checkpoint("c", {
    title: evil,
    description: evil,
    task_name: evil,
    context: { spec: evil, changes: [evil], other: evil, risk: evil },
    options: [{ id: "x", label: evil, description: evil, is_default: true, destructive: false, modifies: true }],
  });
  const shown = picture(
    { title: evil, notice: evil, current_task_name: evil, alerts: [{ level: evil, text: evil, at: null }] },
    {
      tasks: table([row]),
      active: table([row]),
      checkpoints: table([asked]),
      events: table([{ key: "0", type: evil, task: evil, at: NOW, kind: "unknown", payload: evil }]),
    },
  );
  const bench = await new Bench().show(shown);
  for (const name of ["Overview", "Tasks", "Timeline", "Output", "Artifacts", "Errors", "Decisions"]) {
    await bench.tab(name);
    for (const details of bench.get.queryAllByRole("button", { name: /^Details of/ })) details.click();
    await later();
    expect(bench.el.querySelector("img")).toBeNull();
  }
  expect(bench.el.textContent).toContain(evil);
});
