import { describe, expect, test } from "vitest";
import { count, countdown, dollars, duration, percent, plural, size, ticking } from "../../src/ui/format";

describe("numbers as people read them", () => {
  test.each([
    [0, "0s"],
    [0.0004, "1ms"],
    [0.42, "420ms"],
    [0.9999, "1s"],
    [2.34, "2.3s"],
    [9.96, "10s"],
    [59.6, "1m 00s"],
    [623, "10m 23s"],
    [3700, "1h 01m"],
    [90_061, "1d 1h"],
    [null, "–"],
    [Number.NaN, "–"],
  ])("%s seconds read %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [2150, "2.1 KB"],
    [3584, "3.5 KB"],
    [1_048_575, "1.0 MB"],
    [5 * 1024 ** 3, "5.0 GB"],
    [3 * 1024 ** 4, "3.0 TB"],
    [null, "–"],
  ])("%s bytes read %s", (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });

  test.each([
    [8.33, "8%"],
    [99.99, "99%"],
    [100, "100%"],
    [(55 / 120) * 120, "55%"],
    [104, "100%"],
    [null, "–"],
  ])("a share of %s reads %s, so that 100 means done", (share, text) => {
    expect(percent(share)).toBe(text);
  });

  test.each([
    [272, "4:32"],
    [0.2, "0:01"],
    [-3, "0:00"],
    [3700, "1:01:40"],
  ])("%s seconds to go read %s", (seconds, text) => {
    expect(countdown(seconds)).toBe(text);
  });

  test.each([
    [0.42, "$0.42"],
    [0.0031, "$0.0031"],
    [1234.5, "$1,234.50"],
    [0, "$0.00"],
  ])("%s dollars read %s", (cost, text) => {
    expect(dollars(cost)).toBe(text);
  });

  test("thousands are set apart", () => {
    expect(count(34_500)).toBe("34,500");
    expect(plural(1, "task")).toBe("1 task");
    expect(plural(1200, "task")).toBe("1,200 tasks");
  });

  test("a clock that ticks shows whole seconds only", () => {
    expect(ticking(9.9)).toBe("9s");
    expect(ticking(-1)).toBe("0s");
  });
});
