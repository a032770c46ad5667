import { describe, expect, test } from "vitest";
import { type Layout, offsetAt, offsetOf, rowAt, scrollOf, windowAt } from "../../src/ui/virtual";

const list = (count: number, extras: [number, number][] = []): Layout => ({
  count,
  rowHeight: 20,
  extras: new Map(extras),
});

describe("the window of a long list", () => {
  test("holds the visible rows and a few around them", () => {
    const window = windowAt(list(1000), 2000, 300);
    expect(window.start).toBeLessThanOrEqual(100);
    expect(window.end).toBeGreaterThanOrEqual(115);
    expect(window.end - window.start).toBeLessThan(40);
    expect(window.top).toBe(window.start * 20);
    expect(window.height).toBe(20_000);
  });

  test("counts the height of opened rows", () => {
    const layout = list(100, [
      [3, 200],
      [1, 50],
    ]);
    expect(offsetOf(layout, 4)).toBe(4 * 20 + 250);
    expect(rowAt(layout, 39)).toBe(1);
    expect(rowAt(layout, 85)).toBe(1);
    expect(rowAt(layout, 90)).toBe(2);
    expect(rowAt(layout, 320)).toBe(3);
    expect(rowAt(layout, 330)).toBe(4);
  });

  test("never reaches beyond the list", () => {
    expect(windowAt(list(3), 0, 300)).toMatchObject({ start: 0, end: 3, height: 60 });
    expect(windowAt(list(0), 0, 300)).toMatchObject({ start: 0, end: 0, height: 0 });
    expect(windowAt(list(100), offsetAt(list(100), 99_999, 300), 300).end).toBe(100);
  });

  test("shows the last row of a very high list at the end", () => {
    const layout = list(10_000_000);
    const { height } = windowAt(layout, 0, 300);
    expect(height).toBeLessThan(17_000_000);
    const window = windowAt(layout, offsetAt(layout, height - 300, 300), 300);
    expect(window.end).toBe(10_000_000);
    expect(window.top + (window.end - window.start) * 20).toBeCloseTo(height, 3);
  });

  test("stays in place when a very high list grows", () => {
    const offset = 60_000_000;
    const before = windowAt(list(10_000_000), offset, 300);
    const after = windowAt(list(10_000_500), offset, 300);
    expect(after.start).toBe(before.start);
    const inView = (layout: Layout, window: { top: number }) => window.top - scrollOf(layout, offset, 300);
    expect(inView(list(10_000_500), after)).toBeCloseTo(inView(list(10_000_000), before), 3);
  });

  test("and the scroll bar agree on the position", () => {
    for (const count of [100, 10_000_000]) {
      const layout = list(count);
      const pixel = offsetAt(layout, 1, 300);
      expect(Math.abs(offsetAt(layout, scrollOf(layout, 1234, 300), 300) - 1234)).toBeLessThanOrEqual(pixel);
    }
  });
});
