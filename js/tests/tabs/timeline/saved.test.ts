/** The timeline of the rows that a page has, without a kernel. */
import { describe, expect, test } from "vitest";
import { emptyHead, task } from "../../../dev/fake";
import { savedWindow } from "../../../src/tabs/timeline/saved";

const head = { ...emptyHead("run", 0), started_at: 1000, ended_at: 21_000 };
const ROWS = [
  task("a", {
    name: "A",
    worker_id: "w1",
    wave: 1,
    phase_name: "Plan",
    status: "completed",
    started_at: 1000,
    ended_at: 5000,
  }),
  task("b", { worker_id: "w2", wave: 1, phase: 2, status: "running", started_at: 3000, attempts: 2 }),
  task("c", { worker_id: "w1", wave: 2, status: "completed", ended_at: 9000, duration_s: 3 }),
  task("d", { status: "pending" }),
];

describe("the saved tasks", () => {
  test.each([
    ["worker", { w1: [0, 2], w2: [1, 1] }],
    ["wave", { "Wave 1": [0, 2], "Wave 2": [2, 1] }],
    ["phase", { Plan: [0, 1], "Phase 2": [1, 1], "No phase": [2, 1] }],
    ["task", { "": [0, 3] }],
  ] as const)("are in lanes by %s", (by, expected) => {
    const { lanes } = savedWindow(ROWS, by, head);
    expect(Object.fromEntries(lanes.map(({ name, row, tasks }) => [name, [row, tasks]]))).toEqual(expected);
  });

  test("have the times of their rows", () => {
    const window = savedWindow(ROWS, "task", head);
    expect(window.bars.map(({ id, row, start, end }) => [id, row, start, end])).toEqual([
      ["a", 0, 0, 4000],
      ["b", 1, 2000, null],
      ["c", 2, 5000, 8000],
    ]);
    expect([window.origin, window.end, window.tasks, window.waiting]).toEqual([1000, 20_000, 3, 1]);
    expect(window.bars[1]?.attempts).toBe(2);
  });

  test("that overlap in a lane have rows of their own", () => {
    const rows = [0, 1, 2].map((n) => task(`t${n}`, { started_at: 1000 + n * 1000, ended_at: 3000 + n * 1000 }));
    expect(savedWindow(rows, "worker", head).bars.map(({ row }) => row)).toEqual([0, 1, 0]);
  });

  test("make a density of at most the tasks at once", () => {
    const { overview } = savedWindow(ROWS, "worker", head);
    expect(overview.peak).toBe(2);
    expect(Math.max(...overview.busy)).toBe(100);
  });

  test("may be none", () => {
    expect(savedWindow([], "worker", emptyHead("run", 0))).toMatchObject({ bars: [], lanes: [], rows: 0, slowest: [] });
  });
});
