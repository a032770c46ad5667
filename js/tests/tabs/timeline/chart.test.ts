/** The timeline in the panel: bars with names, ways to zoom, and the way to a task. */
import { describe, expect, test } from "vitest";
import { emptyHead, task } from "../../../dev/fake";
import type { TaskRow, TimelineBar, TimelineWindow, ToKernel } from "../../../src/kernel/contract";
import { layersOf } from "../../../src/tabs/timeline/bars";
import { savedWindow } from "../../../src/tabs/timeline/saved";
import { Bench, fakeTime, later, NOW, picture, table } from "../../support";

fakeTime();

const START = NOW - 60_000;

function rows(count = 6, workers = 2): TaskRow[] {
  return Array.from({ length: count }, (_, i) =>
    task(`t${i}`, {
      key: String(i),
      name: `Task ${i}`,
      status: "completed",
      worker_id: `w${i % workers}`,
      started_at: START + i * 5000,
      ended_at: START + i * 5000 + 4000,
    }),
  );
}

/** A panel whose kernel answers with a window of its rows, changed. */
async function open(tasks: TaskRow[], change: (window: TimelineWindow) => void = () => {}): Promise<Bench> {
  const bench = new Bench();
  const shown = picture({ started_at: START }, { tasks: table(tasks) });
  bench.model.kernel = (message: ToKernel) => {
    if (message.kind !== "timeline") return;
    const window = savedWindow(tasks, message.by ?? "worker", shown.head);
    change(window);
    setTimeout(() => bench.model.receive({ kind: "timeline", id: message.id, window }), 3);
  };
  await bench.show(shown);
  await bench.tab("Timeline");
  return bench;
}

function bars(bench: Bench): HTMLElement[] {
  return [...bench.el.querySelectorAll<HTMLElement>(".rc-tl-bar")];
}

const asked = (bench: Bench) => bench.sent("timeline").at(-1);

describe("the timeline", () => {
  test("is a region with a zoom and the critical path, and a named bar for each task", async () => {
    const bench = await open(rows());
    bench.get.getByRole("region", { name: "Timeline" });
    bench.get.getByRole("slider", { name: "Zoom" });
    bench.get.getByRole("checkbox", { name: "Critical path" });
    expect(bars(bench).map((bar) => bar.getAttribute("aria-label"))).toContain(
      "Task 3: completed, 4s, number 5 of the slowest",
    );
    expect(bench.el.textContent).toContain("w0");
  });

  test("says the times of a bar, its attempts and its place on the critical path", async () => {
    const bench = await open(rows(), (window) => {
      const bar = window.bars.find(({ id }) => id === "t2") as TimelineBar;
      const { start } = bar;
      bar.segments = [
        ["queued", start - 2000, start],
        ["working", start, start + 1000],
        ["asked", start + 1000, start + 3000],
        ["retrying", start + 3000, start + 4000],
      ];
      Object.assign(bar, { attempts: 2, critical: 1, failures: [start + 3000] });
    });
    const bar = bars(bench).find((each) => each.dataset.key === "2");
    expect(bar?.getAttribute("aria-label")).toBe(
      "Task 2: completed, 4s, queued 2s, working 1s, waiting for a person 2s, retrying 1s, 2 attempts, critical, number 2 of the slowest",
    );
  });

  test("paints each kind of time, and marks failures above it", () => {
    const bar = savedWindow(rows(1), "task", emptyHead("run", START)).bars[0] as TimelineBar;
    expect(layersOf(bar)).toEqual([]);
    bar.segments = [
      ["queued", -2000, 0],
      ["working", 0, 1000],
      ["asked", 1000, null],
    ];
    bar.failures = [500];
    const [layers = ""] = layersOf(bar);
    expect(layers.match(/--k-\w+/g)).toEqual(["--k-failure", "--k-working", "--k-asked"]);
    expect(layers).toContain("calc(0.5*var(--s)*1px) 0/2px");
    expect(layers).toContain("max(2px,calc((var(--now) - 1)*var(--s)*1px))");
  });

  test("has one tab stop among its bars; arrows, Home and End lead on", async () => {
    const bench = await open(rows());
    const stops = () => bars(bench).filter((bar) => bar.tabIndex === 0);
    expect(stops()).toHaveLength(1);
    stops()[0]?.focus();
    for (const [key, to] of [
      ["ArrowRight", "2"],
      ["ArrowDown", "1"],
      ["End", "5"],
      ["Home", "0"],
    ] as const) {
      document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      await later();
      expect((document.activeElement as HTMLElement).dataset.key).toBe(to);
      expect(stops()).toHaveLength(1);
    }
  });

  test("shows the details of the bar with the focus", async () => {
    const bench = await open(rows());
    bars(bench)[1]?.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    await later();
    expect(bench.el.querySelector(".rc-tl-tip")?.textContent).toContain("Task 2");
    bars(bench)[1]?.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    await later();
    expect(bench.el.querySelector(".rc-tl-tip")).toBeNull();
  });

  test("leads from a bar to its task", async () => {
    const bench = await open(rows());
    bars(bench)[0]?.click();
    await later();
    bench.get.getByRole("dialog", { name: "Task Task 0" });
  });

  test("zooms in by the slider and the keys, and out by Fit", async () => {
    const bench = await open(rows());
    expect(asked(bench)).toMatchObject({ by: "worker", start: null, stop: null });
    const zoom = bench.get.getByRole("slider", { name: "Zoom" }) as HTMLInputElement;
    zoom.value = "40";
    zoom.dispatchEvent(new Event("input", { bubbles: true }));
    await later();
    expect(Number(asked(bench)?.stop) - Number(asked(bench)?.start)).toBeLessThan(60_000);
    expect(Number(zoom.value)).toBeGreaterThan(30);
    bench.get.getByRole("button", { name: "Fit" }).click();
    await later();
    expect(asked(bench)).toMatchObject({ start: null, stop: null });
    bars(bench)[0]?.focus();
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
    await later();
    expect(asked(bench)?.start).not.toBeNull();
    expect(Number(zoom.value)).toBeGreaterThan(0);
  });

  test("of a live run follows now again when told to", async () => {
    const bench = await open(rows());
    bars(bench)[0]?.focus();
    for (const key of ["+", "+", "+"]) {
      document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      await later();
    }
    const follow = bench.get.getByRole("button", { name: "Follow" });
    const before = Number(asked(bench)?.stop);
    follow.click();
    await later();
    expect(bench.get.queryByRole("button", { name: "Follow" })).toBeNull();
    expect(Number(asked(bench)?.stop)).toBeGreaterThan(before);
  });

  test("groups by what a person chooses, and keeps the choice while another tab is open", async () => {
    const bench = await open(rows());
    const lanes = bench.get.getByRole("combobox", { name: "Lanes" }) as HTMLSelectElement;
    lanes.selectedIndex = 3;
    lanes.dispatchEvent(new Event("change", { bubbles: true }));
    await later();
    expect(asked(bench)?.by).toBe("task");
    expect([...bench.el.querySelectorAll(".rc-tl-name")].map((name) => name.textContent)).toContain("Task 34s");
    await bench.tab("Output");
    await bench.tab("Timeline");
    expect((bench.get.getByRole("combobox", { name: "Lanes" }) as HTMLSelectElement).value).toBe("task");
  });

  test("marks the critical path, and says how long it is", async () => {
    const bench = await open(rows(), (window) => {
      window.path = { tasks: 3, work_s: 12, wait_s: 2 };
      for (const [number, id] of ["t0", "t1", "t4"].entries()) {
        Object.assign(window.bars.find((bar) => bar.id === id) as TimelineBar, { critical: [1, 2, 4][number] });
      }
    });
    bench.get.getByRole("checkbox", { name: "Critical path" }).click();
    await later();
    expect(bench.el.querySelector(".rc-tl-path-only")).not.toBeNull();
    expect(bench.el.textContent).toContain("3 tasks, 12s of work, 2s between");
    // One line between neighbors in different rows; the third is not here.
    expect(bench.el.querySelector(".rc-tl-lines path:last-child")?.getAttribute("d")?.match(/M/g)).toHaveLength(1);
  });

  test("shows the slowest tasks on demand", async () => {
    const tasks = rows();
    (tasks[4] as TaskRow).ended_at = START + 50_000;
    const bench = await open(tasks);
    bench.get.getByRole("button", { name: "Show Task 4, 30s" }).click();
    await later();
    expect((document.activeElement as HTMLElement).dataset.key).toBe("4");
  });

  test("shows lanes as densities where there are too many bars", async () => {
    const density = { peak: 3.2, busy: [0, 50, 100], asked: [0, 0, 20], failed: [0, 10, 0], critical: [0, 0, 100] };
    const bench = await open(rows(), (window) => {
      window.dense = true;
      window.bars = [];
      window.rows = window.lanes.length;
      for (const lane of window.lanes) Object.assign(lane, { row: lane.index, rows: 1, density });
    });
    const strip = bench.get.getByRole("button", { name: "w0: 3 tasks, up to 3 at once. Zoom in" });
    strip.click();
    await later();
    expect(asked(bench)?.start).not.toBeNull();
  });

  test("names waves, and questions that lead to their task", async () => {
    const bench = await open(rows(), (window) => {
      window.waves = [{ name: "1", start: 0, end: 20_000, status: "completed" }];
      window.questions = [
        { key: "c", title: "Ship it?", task: "t1", start: 6000, end: 8000, count: 1 },
        { key: "d", title: "Merge?", task: "t2", start: 9000, end: null, count: 3 },
      ];
    });
    expect(bench.el.textContent).toContain("Wave 1");
    bench.get.getByRole("button", { name: "3 questions, the first: Merge?" });
    bench.get.getByRole("button", { name: "Question: Ship it?, closed after 2s" }).click();
    await later();
    bench.get.getByRole("dialog", { name: "Task Task 1" });
  });

  test("says how many tasks are saved, where there is no kernel", async () => {
    const bench = new Bench();
    const saved = picture({ started_at: START, link: "ended", ended_at: NOW }, { tasks: table(rows(), 120) });
    bench.model.set("picture", { version: 1, now: NOW, picture: saved });
    bench.model.kernel = () => {};
    await bench.show();
    await later(20_000);
    await bench.tab("Timeline");
    expect(bench.el.textContent).toContain("6 of 120 tasks saved");
    expect(bars(bench)).toHaveLength(6);
    expect((bench.get.getByRole("checkbox", { name: "Critical path" }) as HTMLInputElement).disabled).toBe(true);
  });

  test("of a run without tasks says so", async () => {
    const bench = await open([]);
    expect(bench.el.textContent).toContain("No task has started yet.");
  });
});
