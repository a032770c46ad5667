import { afterEach, expect, test, vi } from "vitest";
import { Keep } from "../../src/lab/keep";

afterEach(() => {
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

test("the open panels and the one in sight survive a reload", () => {
  const before = new Keep();
  for (const key of ["a", "b", "c"]) before.add(key);
  before.remove("b");
  before.show("c");
  const after = new Keep();
  expect(["a", "b", "c"].map((key) => after.has(key))).toEqual([true, false, true]);
  expect(["a", "c"].map((key) => after.isShown(key))).toEqual([false, true]);
});

test("panels of long ago are forgotten", () => {
  const keep = new Keep();
  for (let number = 0; number < 30; number++) keep.add(String(number));
  expect(["0", "9", "10", "29"].map((key) => new Keep().has(key))).toEqual([false, false, true, true]);
});

test.each(["{", "[]", '{"keys":7}', "null"])("the entry %s of another program is no entry", (entry) => {
  sessionStorage.setItem("runconsole.sidebar.1", entry);
  const keep = new Keep();
  expect(keep.has("a")).toBe(false);
  keep.add("a");
  expect(new Keep().has("a")).toBe(true);
});

test("a page without storage keeps them until it is left", () => {
  vi.stubGlobal("sessionStorage", undefined);
  const keep = new Keep();
  keep.add("a");
  expect(keep.has("a")).toBe(true);
});
