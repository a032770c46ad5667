/** Zooming and panning: spans within the run, and an axis with round times. */
import { describe, expect, test } from "vitest";
import {
  ALL,
  around,
  factorOf,
  settled,
  shortest,
  spanOf,
  ticks,
  tickWord,
  ZOOM_STEPS,
  zoomed,
  zoomOf,
} from "../../../src/tabs/timeline/scale";

const RUN = { from: 1000, to: 101_000 };

describe("a look", () => {
  test("at the whole run grows with it", () => {
    expect(spanOf(ALL, RUN)).toEqual({ from: 1000, to: 103_000 });
    expect(spanOf(ALL, { ...RUN, to: 201_000 }).to).toBe(205_000);
  });

  test("at the whole of a live run grows in steps, with room ahead", () => {
    const lengths = Array.from({ length: 200 }, (_, i) => 50_000 + i * 500);
    const ends = lengths.map((length) => spanOf(ALL, { from: 0, to: length }, true).to);
    expect(new Set(ends).size).toBeLessThan(8);
    for (const [at, end] of ends.entries()) {
      expect(end).toBeGreaterThan((lengths[at] as number) * 1.01);
      expect(end).toBeLessThan((lengths[at] as number) * 1.25);
    }
  });

  test("at the newest part moves with it, and keeps its length", () => {
    const span = spanOf({ kind: "newest", length: 10_000 }, RUN);
    expect(span.to - span.from).toBe(10_000);
    expect(span.to).toBeGreaterThan(RUN.to);
    const later = spanOf({ kind: "newest", length: 10_000 }, { ...RUN, to: 111_000 });
    expect(later.from - span.from).toBe(10_000);
  });

  test("at a span stays where a person put it", () => {
    const look = { kind: "span", from: 5000, to: 9000 } as const;
    expect(spanOf(look, RUN)).toEqual(spanOf(look, { ...RUN, to: 999_000 }));
  });
});

describe("zooming", () => {
  const span = { from: 21_000, to: 61_000 };

  test.each([0.5, 2])("by %d keeps the time under the pointer in its place", (factor) => {
    const look = zoomed(span, factor, 31_000, RUN, 800, false);
    const next = spanOf(look, RUN);
    expect((31_000 - next.from) / (next.to - next.from)).toBeCloseTo(0.25);
    expect(next.to - next.from).toBeCloseTo(40_000 * factor);
  });

  test("out to the end is a look at the whole run", () => {
    expect(zoomed(span, 100, 31_000, RUN, 800, true)).toBe(ALL);
  });

  test("in has an end", () => {
    const look = spanOf(zoomed(span, 1e-9, 31_000, RUN, 800, false), RUN);
    expect(look.to - look.from).toBeCloseTo(shortest(RUN, 800));
  });

  test("at the newest time of a live run goes on with it", () => {
    expect(zoomed(spanOf(ALL, RUN), 0.5, 103_000, RUN, 800, true).kind).toBe("newest");
    expect(zoomed(spanOf(ALL, RUN), 0.5, 103_000, RUN, 800, false).kind).toBe("span");
    expect(zoomed(spanOf(ALL, RUN), 0.5, 2000, RUN, 800, true).kind).toBe("span");
  });

  test("by the slider arrives where the slider is", () => {
    let span = spanOf(ALL, RUN);
    let depth = 0;
    for (const to of [30, 80, 55, ZOOM_STEPS]) {
      span = spanOf(zoomed(span, factorOf(depth, to, RUN, 800), 50_000, RUN, 800, false), RUN);
      depth = zoomOf(span, RUN, 800);
      expect(Math.abs(depth - to)).toBeLessThanOrEqual(1);
    }
  });
});

test("panning ends at the edges of the run", () => {
  const far = spanOf(settled({ from: -900_000, to: -880_000 }, RUN, false), RUN);
  expect(far.to - far.from).toBe(20_000);
  expect(far.from).toBeCloseTo(RUN.from - 400);
  const end = spanOf(settled({ from: 900_000, to: 920_000 }, RUN, false), RUN);
  expect(end.to).toBeCloseTo(RUN.to + 400);
});

test("a part of the run is shown with room around it", () => {
  const look = spanOf(around({ from: 40_000, to: 42_000 }, RUN, 800), RUN);
  expect([look.from, look.to]).toEqual([37_000, 45_000]);
  expect(spanOf(around({ from: 1000, to: 101_000 }, RUN, 800), RUN).to).toBeGreaterThanOrEqual(101_000);
});

describe("the axis", () => {
  test.each([
    [60_000, 7, [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]],
    [90, 4, [0, 50]],
    [30 * 86_400_000, 4, [0, 8 * 86_400_000, 16 * 86_400_000, 24 * 86_400_000]],
  ])("of %d ms has round times", (length, most, expected) => {
    expect(ticks({ from: 500, to: 500 + length }, 500, most)).toEqual(expected);
  });

  test("begins with the first round time in view, never before the run", () => {
    expect(ticks({ from: -5000, to: 25_000 }, 0, 3)).toEqual([0, 10_000, 20_000]);
    expect(ticks({ from: 12_300, to: 12_400 }, 10_000, 4)).toEqual([2300, 2350, 2400]);
    expect(ticks({ from: -5000, to: -2000 }, 0, 3)).toEqual([]);
  });

  test.each([
    [0, "0s"],
    [1250, "1.25s"],
    [90_000, "1m 30s"],
    [3_600_000, "1h"],
    [5_400_000, "1h 30m"],
    [3_690_000, "1h 1m 30s"],
    [90_000_000, "1d 1h"],
  ])("names %d ms %s", (ms, word) => {
    expect(tickWord(ms)).toBe(word);
  });
});
