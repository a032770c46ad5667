import { describe, expect, test } from "vitest";
import type { Head } from "../../src/kernel/contract";
import { Pace, rangeText, remaining } from "../../src/ui/estimate";
import { isQuiet, silence, standing } from "../../src/ui/standing";
import { NOW, picture } from "../support";

const head = (more: Partial<Head> = {}): Head => picture({ last_event_at: NOW, ...more }).head;
const since = (seconds: number) => NOW + seconds * 1000;
const words = (more: Partial<Head>, asked = 0, at = NOW) => standing(head(more), at, asked).text;

describe("a run's standing", () => {
  test.each([
    [{}, 0, "running"],
    [{}, 2, "waiting for you · 2"],
    [{ status: "pending" }, 0, "pending"],
    [{ status: "pending", link: "failed" }, 0, "not started"],
    [{ status: "completed" }, 0, "completed"],
    [{ status: "interrupted" }, 1, "interrupted"],
    [{ status: "partial", failed_tasks: 2 }, 0, "partly failed"],
    [{ status: "partial", failed_tasks: 0 }, 0, "ended before all tasks"],
  ] as [Partial<Head>, number, string][])("%j with %d questions: %s", (more, asked, text) => {
    expect(words(more, asked)).toBe(text);
  });

  test("counts what was cancelled, and is no failure then", () => {
    const counts = { ...head().counts, completed: 4, cancelled: 1 };
    expect(words({ status: "completed", counts })).toBe("completed, 1 cancelled");
  });

  test("is quiet after some multiple of the usual gap, and not before 15 seconds", () => {
    expect(isQuiet(head({ usual_gap_s: 1 }), since(14))).toBe(false);
    expect(words({ usual_gap_s: 1 }, 0, since(16))).toBe("quiet for 16s");
    expect(isQuiet(head({ usual_gap_s: 10 }), since(60))).toBe(false);
    expect(words({ usual_gap_s: 10 }, 0, since(81))).toBe("quiet for 1m 21s");
    expect(words({ usual_gap_s: 1 }, 1, since(60))).toBe("waiting for you · 1");
  });

  test("has no silence before the first event, nor after the end", () => {
    expect(silence(head({ last_event_at: null }), since(9))).toBeNull();
    expect(silence(head({ ended_at: NOW }), since(9))).toBeNull();
    expect(silence(head(), since(9))).toBe(9);
  });
});

describe("the rest of the time", () => {
  test("is a range between the recent pace and the one so far", () => {
    const pace = new Pace();
    for (let s = 0; s <= 100; s += 2) pace.note(since(s), s < 50 ? s : 50 + (s - 50) / 5);
    const recent = pace.recent(since(100), 100);
    expect(recent).toBeCloseTo(0.2, 1);
    const range = remaining(60, 100, recent);
    expect(range?.[0]).toBeCloseTo(66.7, 0);
    expect(range?.[1]).toBeCloseTo(200, -1);
    expect(rangeText(range ?? [0, 0])).toBe("1–3m left");
  });

  test("is nothing where the percent does not move", () => {
    const pace = new Pace();
    pace.note(NOW, 30);
    expect(pace.recent(since(60), 60)).toBe(0);
    expect(remaining(30, 60, pace.recent(since(60), 60))).toBeNull();
  });

  test("is the pace so far until it has been watched for a while", () => {
    expect(remaining(25, 60, null)).toEqual([180, 180]);
    expect(remaining(1, 60, null)).toBeNull();
    expect(remaining(null, 60, null)).toBeNull();
  });

  test("begins anew when the progress falls", () => {
    const pace = new Pace();
    pace.note(NOW, 80);
    pace.note(since(30), 10);
    expect(pace.recent(since(40), 40)).toBeNull();
  });

  test.each([
    [[40, 62], "40–60s left"],
    [[180, 180], "~3m left"],
    [[4000, 9000], "1.1–2.5h left"],
  ] as const)("%j reads %s", (range, text) => {
    expect(rangeText(range)).toBe(text);
  });
});
