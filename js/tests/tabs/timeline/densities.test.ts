/** Densities as areas. */
import { h, render } from "preact";
import { expect, test } from "vitest";
import { area, Density } from "../../../src/tabs/timeline/densities";

function paths(path: boolean): Record<string, string> {
  const host = document.createElement("div");
  const density = {
    peak: 3,
    busy: [0, 50, 100, 20],
    asked: [0, 0, 10, 0],
    failed: [0, 3, 100, 0],
    critical: [100, 0, 0, 0],
  };
  render(h(Density, { density, path }), host);
  const found = [...host.querySelectorAll("path")].map((each) => [each.getAttribute("class"), each.getAttribute("d")]);
  return Object.fromEntries(found);
}

test("an area has a step for each value", () => {
  expect(area([0, 50, 100])).toBe("M0 100H0.00V100H33.33V50H66.67V0H100V100Z");
});

test("more failures are a taller mark, few ones still a visible one", () => {
  const marks = paths(false)["rc-tl-failed"]?.match(/V[\d.]+/g) ?? [];
  expect(marks.map((mark) => Number(mark.slice(1)))).toEqual([expect.closeTo(6.9), expect.closeTo(36)]);
});

test("the critical path is there on demand", () => {
  expect(Object.keys(paths(false))).not.toContain("rc-tl-path");
  expect(paths(true)["rc-tl-path"]).toBe("M0.00 92h25.00V100h-25.00Z");
});
