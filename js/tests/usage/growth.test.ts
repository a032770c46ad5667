import { describe, expect, test } from "vitest";
import { expectedEnd, linePath, type Point, pace, rates, roundTop, totalAt } from "../../src/usage/growth";
import { limitTone, limitWords, stepOf, usedShare } from "../../src/usage/limits";

const MINUTE = 60_000;
const points = (...pairs: [at: number, value: number | null][]): Point[] => pairs.map(([at, value]) => ({ at, value }));
const steady = points([0, 0], [MINUTE, 60], [2 * MINUTE, 120]);

describe("a total", () => {
  test.each([
    [-1, null],
    [0, 0],
    [MINUTE / 2, 30],
    [3 * MINUTE, 120],
  ])("at %d is %s", (at, total) => {
    expect(totalAt(steady, at)).toBe(total);
  });

  test("is unknown between an unknown and a known one", () => {
    expect(totalAt(points([0, null], [10, 5]), 5)).toBeNull();
    expect(totalAt(points([0, 5], [10, null]), 5)).toBeNull();
    expect(totalAt([], 5)).toBeNull();
  });
});

describe("rates", () => {
  test("are per minute, in equal parts of at least ten seconds", () => {
    const parts = rates(steady, 0, 2 * MINUTE);
    expect(parts).toHaveLength(12);
    for (const { value } of parts) expect(value).toBeCloseTo(60);
    expect(rates(steady, 0, 1_000 * MINUTE)).toHaveLength(40);
    expect(rates(steady, 0, 9_000)).toEqual([]);
  });

  test("are unknown where a total is, and never zero for it", () => {
    const late = points([0, null], [MINUTE, 60], [2 * MINUTE, 60]);
    const values = rates(late, 0, 2 * MINUTE).map(({ value }) => value);
    expect(values.slice(0, 6)).toEqual(Array(6).fill(null));
    expect(values.slice(6)).toEqual(Array(6).fill(0));
  });

  test("are unknown where the total was corrected downwards", () => {
    expect(rates(points([0, 50], [20_000, 10]), 0, 20_000).map(({ value }) => value)).toEqual([null, null]);
  });
});

test("the pace is that of the last quarter, and none where nothing grows", () => {
  expect(pace(steady, 0, 2 * MINUTE)).toBeCloseTo(0.001);
  expect(pace(points([0, 5], [2 * MINUTE, 5]), 0, 2 * MINUTE)).toBeNull();
  expect(pace(points([0, null], [2 * MINUTE, 5]), 0, 2 * MINUTE)).toBeNull();
  expect(pace(steady, 0, 15_000)).toBeNull();
});

test("a run that goes on as it did ends when its percent are full", () => {
  expect(expectedEnd(25, 0, 10_000)).toBe(40_000);
  expect(expectedEnd(null, 0, 10_000)).toBeNull();
  expect(expectedEnd(1, 0, 10_000)).toBeNull();
  expect(expectedEnd(100, 0, 10_000)).toBeNull();
});

test("a line has a gap where a value is unknown", () => {
  expect(linePath(points([0, 0], [1, 5], [2, null], [3, 10]), (at) => at / 4, 10)).toBe("M0 100h0L250 50M750 0h0");
});

test.each([
  [0, 1],
  [1, 1],
  [1.2, 1.5],
  [0.42, 0.5],
  [32, 40],
  [60_000, 60_000],
  [81, 100],
])("the upper edge for %d is %d", (value, top) => {
  expect(roundTop(value)).toBeCloseTo(top);
});

describe("the used part of a limit", () => {
  test.each([
    [null, 5, null, "running"],
    [3, null, null, "running"],
    [3, 0, null, "running"],
    [3.7, 5, null, "running"],
    [3.75, 5, "75 % used", "paused"],
    [4.99, 5, "99 % used", "paused"],
    [5, 5, "limit reached", "failed"],
    [5.01, 5, "over the limit", "failed"],
  ])("of %s of %s is said as %s", (used, limit, words, tone) => {
    expect(limitWords(usedShare(used, limit))).toBe(words);
    expect(limitTone(usedShare(used, limit))).toBe(tone);
  });

  test("has three steps", () => {
    expect([null, 74.9, 75, 90, 100, 300].map(stepOf)).toEqual([0, 0, 75, 90, 100, 100]);
  });
});
