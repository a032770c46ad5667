import { describe, expect, test, vi } from "vitest";
import type { EventRow } from "../../src/kernel/contract";
import { Bench, fakeTime, later, NOW, picture, table } from "../support";

fakeTime();

const event = (n: number, type: string, more: Partial<EventRow> = {}): EventRow => ({
  key: String(n),
  type,
  task: "t1",
  at: NOW,
  kind: "known",
  meaning: `t1 ${type.split(".").at(-1)}`,
  payload: `{"n": ${n}}`,
  ...more,
});
const open = async (rows: EventRow[], total = rows.length, types?: Record<string, number>) => {
  const bench = await new Bench().show(picture({}, { events: table(rows, total) }));
  await bench.tab("Timeline");
  if (types) await answerCounts(bench, types);
  return bench;
};
const asked = (bench: Bench) => bench.sent("page").filter(({ table }) => table === "events");
const answerCounts = async (bench: Bench, types: Record<string, number>) => {
  const id = asked(bench).findLast(({ limit }) => limit === 0)?.id ?? "";
  bench.model.receive({ kind: "page", id, table: "events", offset: 0, total: 0, rows: [], types });
  await later();
};
const answerRows = async (bench: Bench, rows: EventRow[], total = rows.length) => {
  const id = asked(bench).findLast(({ limit }) => limit !== 0)?.id ?? "";
  bench.model.receive({ kind: "page", id, table: "events", offset: 0, total, rows, types: {} });
  await later();
};
const chips = (bench: Bench) =>
  [...bench.get.getByRole("group", { name: "Types of events" }).querySelectorAll("button")].map(
    (each) => each.textContent,
  );
const lines = (bench: Bench) =>
  [...bench.get.getByRole("table", { name: "Events" }).querySelectorAll(".rc-row .rc-clip:not(code)")].map(
    (each) => each.textContent,
  );

describe("the events", () => {
  test("have one meaning a line, the newest first", async () => {
    const bench = await open([event(0, "task.created"), event(1, "task.started")]);
    expect(lines(bench)).toEqual(["t1 started", "t1 created"]);
    expect(bench.get.getByRole("button", { name: "Details of t1 started" })).toBeTruthy();
  });

  test("show the payload where a meaning was not saved", async () => {
    const { meaning: _, ...old } = event(0, "task.created");
    expect(lines(await open([old]))).toEqual(['{"n": 0}']);
  });

  test("are counted by type in the kernel, and chosen by it", async () => {
    const bench = await open([event(0, "task.created")], 900, { "task.output": 700, "task.created": 200 });
    expect(chips(bench)).toEqual(["task.output 700", "task.created 200"]);
    bench.get.getByRole("button", { name: "task.created 200" }).click();
    await later();
    expect(asked(bench).at(-1)).toMatchObject({ query: { types: ["task.created"], text: "" } });
    await answerRows(bench, [event(3, "task.created")], 1);
    expect(lines(bench)).toEqual(["t1 created"]);
    expect(bench.el.textContent).toContain("1 of 900");
    bench.get.getByRole("button", { name: "task.created 200" }).click();
    await later();
    expect(bench.el.textContent).not.toContain("1 of 900");
  });

  test("hide heartbeats, and say how many", async () => {
    const bench = await open([event(0, "heartbeat")], 900, { heartbeat: 600, "system.health_check": 50, log: 250 });
    expect(chips(bench)).toEqual(["log 250", "heartbeats hidden 650"]);
    expect(asked(bench).at(-1)).toMatchObject({ query: { types: [], heartbeats: false } });
    await answerRows(bench, [event(5, "log")], 250);
    expect(bench.el.textContent).toContain("250 of 900");
    bench.get.getByRole("button", { name: "heartbeats hidden 650" }).click();
    await later();
    expect(chips(bench)).toEqual(["log 250", "heartbeats 650"]);
    expect(bench.el.textContent).not.toContain("250 of 900");
  });

  test("are searched in the kernel", async () => {
    const bench = await open([event(0, "log")], 900, { log: 900 });
    const box = bench.get.getByRole("searchbox", { name: "Search events" }) as HTMLInputElement;
    box.value = "needle";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await later();
    expect(asked(bench).at(-1)).toMatchObject({ query: { text: "needle" } });
    await answerRows(bench, [], 0);
    expect(bench.el.textContent).toContain("No event is like that.");
  });

  test("name more types on request", async () => {
    const types = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`type${n}`, 100 - n]));
    const bench = await open([event(0, "log")], 900, types);
    expect(chips(bench)).toHaveLength(9);
    bench.get.getByRole("button", { name: "4 more types" }).click();
    await later();
    expect(chips(bench)).toHaveLength(12);
  });

  test("open to their JSON, which can be copied", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const bench = await open([event(0, "log", { payload: '{"rocket": "\\ud83d\\ude80"}' })]);
    bench.get.getByRole("button", { name: "Details of t1 log" }).click();
    await later();
    expect(bench.el.querySelector(".rc-pre")?.textContent).toBe('{\n  "rocket": "🚀"\n}');
    bench.get.getByTitle("Copy the JSON").click();
    await later();
    expect(writeText).toHaveBeenCalledWith('{\n  "rocket": "🚀"\n}');
    vi.unstubAllGlobals();
  });
});
