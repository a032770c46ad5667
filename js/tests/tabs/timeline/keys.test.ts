/** The arrow keys' way from bar to bar. */
import { expect, test } from "vitest";
import type { TimelineBar } from "../../../src/kernel/contract";
import { nextBar } from "../../../src/tabs/timeline/keys";

function bar(key: string, row: number, start: number, end: number | null): TimelineBar {
  return { key, id: key, name: key, row, lane: 0, status: "running", start, end, segments: [["working", start, end]] };
}

const BARS = [bar("a", 0, 0, 10), bar("b", 0, 12, 20), bar("c", 1, 5, 8), bar("d", 1, 14, null), bar("e", 3, 1, 2)];
const at = (key: string) => BARS.find((each) => each.key === key) as TimelineBar;

test.each([
  ["a", "ArrowRight", "b"],
  ["b", "ArrowLeft", "a"],
  ["b", "ArrowRight", "d"], // the row has ended: the next one in time
  ["a", "ArrowDown", "c"],
  ["b", "ArrowDown", "d"],
  ["c", "ArrowDown", "e"],
  ["d", "ArrowUp", "b"],
  ["c", "ArrowUp", "a"],
  ["d", "Home", "a"],
  ["a", "End", "d"],
])("from %s, %s leads to %s", (from, key, to) => {
  expect(nextBar(BARS, at(from), key)?.key).toBe(to);
});

test.each([
  ["a", "ArrowUp"],
  ["a", "ArrowLeft"],
  ["d", "ArrowRight"],
  ["e", "ArrowDown"],
  ["a", "x"],
])("from %s, %s leads nowhere", (from, key) => {
  expect(nextBar(BARS, at(from), key)).toBeNull();
});
