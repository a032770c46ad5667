/** Windows of the timeline: one request at a time, none that is not needed. */
import { beforeEach, describe, expect, test } from "vitest";
import { emptyHead } from "../../dev/fake";
import type { ToKernel } from "../../src/kernel/contract";
import { type WindowFeed, type WindowQuery, Windows } from "../../src/state/windows";
import { savedWindow } from "../../src/tabs/timeline/saved";
import { FakeEnv } from "../support";

const WHOLE: WindowQuery = { by: "worker", start: null, stop: null, width: 800, first: 0, rows: 24 };
type Ask = Extract<ToKernel, { kind: "timeline" }>;

let env: FakeEnv;
let sent: Ask[];
let windows: Windows;
let feed: WindowFeed;
let changes: number;

beforeEach(() => {
  env = new FakeEnv();
  sent = [];
  changes = 0;
  windows = new Windows(env, (message) => sent.push(message as Ask) > 0);
  feed = windows.feed(() => changes++);
});

function answer(ask = sent.at(-1) as Ask): void {
  windows.receive({ kind: "timeline", id: ask.id, window: savedWindow([], ask.by ?? "worker", emptyHead("r", 0)) });
}

describe("a view of the timeline", () => {
  test("asks at once, and once", () => {
    feed.want(WHOLE);
    env.pass(0);
    feed.want({ ...WHOLE });
    env.pass(5000);
    expect(sent).toHaveLength(1);
    answer();
    expect(feed.window?.by).toBe("worker");
    expect(changes).toBe(1);
    env.pass(10_000);
    expect(sent).toHaveLength(1);
  });

  test("that moves asks when it rests, and now and then before", () => {
    feed.want(WHOLE);
    env.pass(0);
    answer();
    for (let step = 1; step <= 40; step++) {
      feed.want({ ...WHOLE, start: step, stop: step + 100 });
      env.pass(20);
      if (sent.length > 1) answer();
    }
    const moving = sent.length - 1;
    expect(moving).toBeGreaterThanOrEqual(2);
    expect(moving).toBeLessThanOrEqual(4);
    env.pass(100);
    expect(sent.at(-1)?.start).toBe(40);
  });

  test("waits for the answer under way before it asks again", () => {
    feed.want(WHOLE);
    env.pass(0);
    feed.want({ ...WHOLE, by: "phase" });
    env.pass(1000);
    expect(sent).toHaveLength(1);
    answer();
    env.pass(100);
    expect(sent.map(({ by }) => by)).toEqual(["worker", "phase"]);
  });

  test("asks again when an answer was lost", () => {
    feed.want(WHOLE);
    env.pass(0);
    feed.want({ ...WHOLE, by: "phase" });
    env.pass(7000);
    expect(sent).toHaveLength(2);
  });

  test("of a run that goes on asks once a second", () => {
    feed.want(WHOLE);
    env.pass(0);
    answer();
    for (let step = 0; step < 50; step++) {
      feed.age();
      env.pass(100);
      if (sent.length > changes) answer();
    }
    expect(sent.length).toBeGreaterThanOrEqual(5);
    expect(sent.length).toBeLessThanOrEqual(6);
  });

  test("is content with a refusal until something changes", () => {
    feed.want(WHOLE);
    env.pass(0);
    windows.receive({ kind: "answer", id: sent[0]?.id ?? "", ok: false, error: "no" });
    env.pass(20_000);
    expect(sent).toHaveLength(1);
    feed.age();
    env.pass(2000);
    expect(sent).toHaveLength(2);
  });

  test("that is gone takes no answer", () => {
    feed.want(WHOLE);
    env.pass(0);
    feed.stop();
    answer();
    expect(changes).toBe(0);
    expect(env.waiting).toBe(0);
  });
});

test("an answer to another page's request is left alone", () => {
  expect(windows.receive({ kind: "answer", id: "other", ok: true, error: null })).toBe(false);
});
