import { beforeEach, describe, expect, test } from "vitest";
import { checkpoint, emptyHead, task } from "../../dev/fake";
import type { FromKernel, OutputRow, ToKernel } from "../../src/kernel/contract";
import type { RunData } from "../../src/onefile/data";
import { FilePort } from "../../src/onefile/port";
import { browserEnv } from "../../src/page/env";
import { fakeTime, later } from "../support";

fakeTime();

const NONE = { output: 0, events: 0, artifacts: 0, errors: 0, decisions: 0 };
const line = (n: number, text: string, more: Partial<OutputRow> = {}): OutputRow => ({
  key: String(n),
  task: "t1",
  stream: "stdout",
  text,
  at: 1000 * n,
  ...more,
});

/** A run of three moments: nothing, a task and a question, the end. */
function data(): RunData {
  const lines = [line(0, "one"), line(1, "Error: two"), line(2, "\x1b[31merror\x1b[0m three"), line(3, "four")];
  const opened = checkpoint("c", { title: "Ship?" });
  return {
    format: 1,
    made: 0,
    duration_s: 10,
    marks: [[4, "question"]],
    moments: [
      { position_s: 0, now: 0, head: emptyHead("A run", 0), totals: NONE },
      {
        position_s: 4,
        now: 4000,
        head: { status: "running" },
        tasks: { set: [task("t1", { status: "running" })] },
        checkpoints: { set: [opened] },
        active: ["t1"],
        totals: { ...NONE, output: 2 },
      },
      {
        position_s: 10,
        now: 10_000,
        head: { status: "completed", link: "ended" },
        tasks: { set: [task("t1", { status: "completed" }), task("t0")], order: ["t0", "t1"] },
        checkpoints: { set: [checkpoint("c", { status: "decided", decision: "approve" })] },
        active: [],
        totals: { ...NONE, output: 4 },
      },
    ],
    growing: { output: lines, events: [], artifacts: [], errors: [], decisions: [] },
    whole: { tasks: { t1: task("t1", { step: "a long step" }) } },
    timeline: { worker: [], phase: [], wave: [], task: [] },
    left_out: [],
  };
}

let port: FilePort;
let received: FromKernel[];

beforeEach(() => {
  port = new FilePort(data(), browserEnv);
  received = [];
  port.onMessage((message) => received.push(message));
  return () => port.dispose();
});

async function ask<K extends FromKernel["kind"]>(
  message: ToKernel,
  kind: K,
): Promise<Extract<FromKernel, { kind: K }>> {
  received.length = 0;
  port.send(message);
  await later(50);
  const found = received.find((one) => one.kind === kind);
  if (!found) throw new Error(`no ${kind} among ${received.map((one) => one.kind)}`);
  return found as Extract<FromKernel, { kind: K }>;
}

const seek = (value: number) => ask({ kind: "replay", id: "r", action: "seek", value }, "snapshot");

describe("a file's port", () => {
  test("shows the end first, then any moment", async () => {
    const end = (await ask({ kind: "ready" }, "snapshot")).picture;
    expect(end.head).toMatchObject({ title: "A run", status: "completed", link: "ended" });
    expect(end.head.replay).toMatchObject({ position_s: 10, duration_s: 10, over: true, playing: false });
    expect(end.tasks.rows.map(({ key }) => key)).toEqual(["t0", "t1"]);
    const middle = await seek(7);
    expect(middle.now).toBe(7000);
    expect(middle.picture.head.status).toBe("running");
    expect(middle.picture.tasks.rows.map(({ status }) => status)).toEqual(["running"]);
    expect(middle.picture.active.total).toBe(1);
    expect(middle.picture.output).toMatchObject({ total: 2, rows: [{ text: "one" }, { text: "Error: two" }] });
    expect(middle.picture.checkpoints.rows[0]?.status).toBe("pending");
    const begin = (await seek(0)).picture;
    expect(begin.tasks.total + begin.checkpoints.total + begin.output.total).toBe(0);
  });

  test("plays to the end, at its speed", async () => {
    await seek(0);
    await ask({ kind: "replay", id: "s", action: "speed", value: 2 }, "answer");
    await ask({ kind: "replay", id: "p", action: "play" }, "answer");
    received.length = 0;
    await later(2600);
    expect(received.filter(({ kind }) => kind === "snapshot")).toHaveLength(1);
    await later(4000);
    const last = received.findLast(({ kind }) => kind === "snapshot") as Extract<FromKernel, { kind: "snapshot" }>;
    expect(last.picture.head.replay).toMatchObject({ over: true, playing: false });
  });

  test("answers for pages, details, searches and texts as of the moment", async () => {
    const page = await ask({ kind: "page", id: "1", table: "tasks", search: "T1" }, "page");
    expect([page.total, page.rows[0]?.key]).toEqual([1, "t1"]);
    const detail = await ask({ kind: "detail", id: "2", table: "tasks", key: "t1" }, "detail");
    expect(detail.row).toMatchObject({ step: "a long step" });
    const match = { kind: "match", id: "3", shown: {}, text: "ERROR", near: 0, step: 1 } as const;
    expect(await ask(match, "match")).toMatchObject({ line: 1, matches: 2, ordinal: 0, shown: 4 });
    expect(await ask({ ...match, near: 1 }, "match")).toMatchObject({ line: 2, ordinal: 1 });
    expect(await ask({ ...match, near: 2 }, "match")).toMatchObject({ line: 1 });
    expect(await ask({ ...match, near: 1, step: -1 }, "match")).toMatchObject({ line: 2 });
    expect(await ask({ ...match, text: "^(one|four)$", regex: true, step: 0 }, "match")).toMatchObject({ matches: 2 });
    expect(await ask({ ...match, text: "(", regex: true }, "match")).toMatchObject({ line: null, matches: 0 });
    const bad = await ask({ kind: "page", id: "4", table: "output", query: { errors: true } }, "page");
    expect(bad.rows.map(({ key }) => key)).toEqual(["1"]);
    const text = await ask({ kind: "text", id: "5", query: { text: "three" } }, "text");
    expect(text).toMatchObject({ text: "error three\n", next: 1, total: 1 });
    const writers = await ask({ kind: "page", id: "6", table: "writers" }, "page");
    expect(writers.rows).toEqual([{ key: "t1", label: "t1" }]);
    await seek(5);
    expect(await ask(match, "match")).toMatchObject({ matches: 1, shown: 2 });
    expect((await ask({ kind: "detail", id: "7", table: "tasks", key: "t1" }, "detail")).row).toMatchObject({
      step: null,
    });
  });

  test("sorts tasks, and opens one with its history", async () => {
    const sorted = { kind: "page", id: "1", table: "tasks", sort: "status" } as const;
    expect((await ask(sorted, "page")).rows.map(({ key }) => key)).toEqual(["t0", "t1"]);
    expect((await ask({ ...sorted, descending: true }, "page")).rows.map(({ key }) => key)).toEqual(["t1", "t0"]);
    const { row, history } = await ask({ kind: "task", id: "2", task: "t1" }, "task");
    expect(row).toMatchObject({ key: "t1", step: "a long step" });
    expect(history?.output.map(({ key }) => key)).toEqual(["0", "1", "2", "3"]);
    expect(history).toMatchObject({ errors_total: 0, questions: [], output_searched: 4 });
    expect(await ask({ kind: "task", id: "3", task: "unknown" }, "task")).toMatchObject({ row: null, history: null });
  });

  test("refuses what only a kernel could do", async () => {
    const decide = { kind: "decide", id: "d", checkpoint: "c", answer: { option: "approve" } } as ToKernel;
    expect(await ask(decide, "answer")).toMatchObject({ id: "d", ok: false });
    expect((await ask(decide, "answer")).error).toContain("This is a file");
  });
});
