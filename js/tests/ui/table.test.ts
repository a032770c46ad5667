import { describe, expect, test } from "vitest";
import { task } from "../../dev/fake";
import { failure, subtask, wave } from "../rows";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

describe("the columns of a table", () => {
  const open = async () => {
    const bench = await new Bench().show(picture({}, { tasks: table([task("t1")]) }));
    await bench.tab("Tasks");
    return bench.get.getByRole("table", { name: "Tasks" });
  };
  const tracks = (element: HTMLElement, limit: string) =>
    element.style.getPropertyValue(`--rc-columns-${limit}`).match(/minmax\([^)]*\)|\S+/g) ?? [];

  test("have a track each, and fewer where a narrow panel hides some", async () => {
    const tasks = await open();
    const headings = [...tasks.querySelectorAll('[role="columnheader"]')];
    expect(tracks(tasks, "Infinity")).toHaveLength(headings.length);
    for (const limit of [1160, 860, 620, 560, 470]) {
      const hidden = headings.filter(({ className }) => Number(/rc-hide-(\d+)/.exec(className)?.[1] ?? 0) >= limit);
      expect(tracks(tasks, `${limit}`)).toHaveLength(headings.length - hidden.length);
    }
  });

  test("may be narrower in a narrow panel", async () => {
    const tasks = await open();
    expect(tracks(tasks, "Infinity")[1]).toBe("minmax(180px, 3fr)");
    expect(tracks(tasks, "860")[1]).toBe("minmax(130px, 2fr)");
    expect(tracks(tasks, "470")).toEqual(["36px", "minmax(120px, 1.6fr)", "90px", "56px"]);
  });
});

describe("columns without a value", () => {
  const headings = (bench: Bench) =>
    [...bench.get.getByRole("table", { name: "Tasks" }).querySelectorAll('[role="columnheader"]')].map(
      (one) => one.textContent,
    );

  test("are not there, and stay once they were", async () => {
    const bench = await new Bench().show(picture({}, { tasks: table([task("t1")]) }));
    await bench.tab("Tasks");
    expect(headings(bench)).toEqual(["Status", "Task", "Progress", "Time"]);
    await bench.patch({ tasks: { set: [task("t1", { tokens: 7, step: "reads" })] } });
    expect(headings(bench)).toEqual(["Status", "Task", "Step", "Progress", "Time", "Tokens"]);
    await bench.patch({ tasks: { set: [task("t1")] } });
    await bench.tab("Overview");
    await bench.tab("Tasks");
    expect(headings(bench)).toEqual(["Status", "Task", "Step", "Progress", "Time", "Tokens"]);
  });
});

describe("bars", () => {
  test("of completed tasks are as long as they took, beside the longest", async () => {
    const took = (id: string, duration_s: number) => task(id, { status: "completed", duration_s });
    const bench = await new Bench().show(picture({}, { tasks: table([took("t1", 5), took("t2", 20)]) }));
    await bench.tab("Tasks");
    const list = bench.get.getByRole("table", { name: "Tasks" });
    expect(list.style.getPropertyValue("--rc-longest")).toBe("20");
    const bar = bench.get.getByRole("progressbar", { name: "t1" });
    expect(bar.getAttribute("aria-valuenow")).toBe("100");
    expect(bar.getAttribute("aria-valuetext")).toBe("completed in 5s");
    expect(bar.querySelector("i")?.style.transform).toContain("5 / var(--rc-longest)");
    expect(list.textContent).not.toContain("100%");
  });

  test("a running task ticks though its server says it took no time", async () => {
    const row = task("t1", { status: "running", started_at: NOW - 22_000, duration_s: 0 });
    const bench = await new Bench().show(picture({}, { tasks: table([row]) }));
    await bench.tab("Tasks");
    await later(1000);
    const text = () => bench.get.getByRole("table", { name: "Tasks" }).textContent;
    expect(text()).toContain("23s");
    await later(2000);
    expect(text()).toContain("25s");
  });
});

describe("the rows of a table by keyboard", () => {
  const open = async (count = 3) => {
    const rows = Array.from({ length: count }, (_, n) => task(`t${n}`, { name: `Task ${n}` }));
    const bench = await new Bench().show(picture({}, { tasks: table(rows.slice(0, 200), count) }));
    await bench.tab("Tasks");
    return bench;
  };
  const stops = (bench: Bench) =>
    [...bench.get.getByRole("table", { name: "Tasks" }).querySelectorAll<HTMLElement>('[tabindex="0"]')].map((one) =>
      one.getAttribute("aria-label"),
    );
  const press = async (key: string) => {
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    await later();
  };
  const focused = () => document.activeElement?.getAttribute("aria-label");

  test("are one tab stop, which moves with arrows, j and k", async () => {
    const bench = await open();
    expect(stops(bench)).toEqual(["Details of Task 0"]);
    bench.get.getByRole("button", { name: "Details of Task 0" }).focus();
    await press("j");
    expect(focused()).toBe("Details of Task 1");
    await press("ArrowDown");
    await press("ArrowDown");
    expect(focused()).toBe("Details of Task 2");
    await press("k");
    expect(focused()).toBe("Details of Task 1");
    expect(stops(bench)).toEqual(["Details of Task 1"]);
    await press("Home");
    expect(focused()).toBe("Details of Task 0");
    await press("End");
    expect(focused()).toBe("Details of Task 2");
  });

  test("unfold to the right, and fold to the left, where something is folded", async () => {
    const bench = await open(1);
    await bench.patch({
      tasks: { set: [task("t1", { name: "Task 1", subtasks: [subtask("s1")], subtasks_total: 1 })], total: 2 },
    });
    const list = bench.get.getByRole("table", { name: "Tasks" });
    bench.get.getByRole("button", { name: "Details of Task 0" }).focus();
    await press("ArrowRight");
    expect(list.querySelector(".rc-detail")).toBeNull();
    await press("j");
    await press("ArrowRight");
    expect(list.querySelector(".rc-detail")?.textContent).toContain("Sub s1");
    await press("ArrowLeft");
    expect(list.querySelector(".rc-detail")).toBeNull();
  });

  test("reach the headings above the first, and the buttons in them", async () => {
    const bench = await open();
    bench.get.getByRole("button", { name: "Details of Task 0" }).focus();
    await press("ArrowUp");
    expect(document.activeElement?.textContent).toBe("Status");
    await press("ArrowRight");
    expect(document.activeElement?.textContent).toBe("Task");
    await press("ArrowDown");
    expect(focused()).toBe("Details of Task 0");
  });

  test("that are far away are drawn and reached", async () => {
    const bench = await open(5000);
    bench.get.getByRole("button", { name: "Details of Task 0" }).focus();
    for (let n = 0; n < 4; n++) await press("PageDown");
    expect(focused()).toBe("Details of Task 40");
    expect(stops(bench)).toEqual(["Details of Task 40"]);
  });

  test("leave keys that are typed elsewhere alone", async () => {
    const bench = await open();
    const search = bench.get.getByRole("searchbox", { name: "Filter tasks" });
    search.focus();
    await press("j");
    expect(document.activeElement).toBe(search);
  });
});

describe("parts beyond the picture", () => {
  test("waves are paged, the newest first", async () => {
    const newest = Array.from({ length: 200 }, (_, n) => wave(101 + n));
    const bench = await new Bench().show(picture({}, { waves: table(newest, 300) }));
    const list = bench.get.getByRole("table", { name: "Waves" });
    expect(list.getAttribute("aria-rowcount")).toBe("301");
    expect(list.querySelector(".rc-tbody")?.textContent).toMatch(/^completedWave 300/);
    list.scrollTop = 299 * 30;
    list.dispatchEvent(new Event("scroll"));
    await later();
    const request = bench.sent("page").at(-1);
    expect(request).toMatchObject({ table: "waves", offset: 0, limit: 100 });
    const rows = Array.from({ length: 100 }, (_, n) => wave(1 + n));
    bench.model.receive({ kind: "page", id: request?.id ?? "", table: "waves", offset: 0, total: 300, rows });
    await later();
    expect(list.textContent).toContain("Wave 1");
    expect(list.querySelector("[aria-busy]")).toBeNull();
  });

  test("a page that is never answered is asked for again", async () => {
    const bench = await new Bench().show(picture({}, { tasks: table([task("t0")], 5000) }));
    await bench.tab("Tasks");
    const asked = () => bench.sent("page").filter(({ offset }) => offset === 0).length;
    expect(asked()).toBe(1);
    await later(4500);
    expect(asked()).toBeGreaterThan(1);
  });

  test("a picture without a kernel shows what it has, and says what it has not", async () => {
    const bench = new Bench();
    const saved = picture({}, { errors: table([failure(98), failure(99)], 100) });
    bench.model.kernel = () => {};
    bench.model.set("picture", { version: 1, now: NOW, picture: saved });
    await bench.show();
    await later(20_000);
    await bench.tab("Errors");
    expect(bench.get.getByRole("table", { name: "Errors" }).querySelector("[aria-busy]")).toBeNull();
    expect(bench.el.textContent).toContain("2 rows saved with the notebook, 98 not.");
  });
});
