import { describe, expect, test } from "vitest";
import type { OutputRow } from "../../src/kernel/contract";
import { finder, findHere } from "../../src/state/log-search";
import { textWithGaps } from "../../src/state/log-text";
import { marked, pieces } from "../../src/ui/ansi";

const row = (n: number, text: string, stream: OutputRow["stream"] = "stdout"): OutputRow => ({
  key: String(n),
  task: null,
  stream,
  text,
  at: null,
});

describe("the places of a text in a line", () => {
  test.each([
    [
      "ab",
      false,
      "AB xab",
      [
        [0, 2],
        [4, 6],
      ],
    ],
    ["a.c", false, "abc a.c", [[4, 7]]],
    ["[(*", false, "x[(*", [[1, 4]]],
    ["a-b/{}", false, "a-b/{}", [[0, 6]]],
    [
      "\\d+",
      true,
      "a12b3",
      [
        [1, 3],
        [4, 5],
      ],
    ],
    ["x*", true, "axxb", [[1, 3]]],
    ["(", true, "(", []],
    ["", false, "abc", []],
  ] as const)("%s, pattern: %s", (text, regex, line, places) => {
    expect(finder({ text, regex })(line)).toEqual(places);
  });

  test.each(["(a+)+$", "(a|aa)*b", "a*a*a*b", "(x{2,}){3,}"])("are left to the kernel for %s", (text) => {
    expect(finder({ text, regex: true })("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")).toEqual([]);
  });

  test("are marked across colors", () => {
    const parts = marked(pieces("a\u001b[31mbc\u001b[0md"), finder({ text: "abcd" }));
    expect(parts.map(({ text, isMarked }) => [text, isMarked])).toEqual([
      ["a", true],
      ["bc", true],
      ["d", true],
    ]);
    const part = marked(pieces("xaby"), finder({ text: "ab" }));
    expect(part.map(({ text, isMarked }) => [text, isMarked])).toEqual([
      ["x", false],
      ["ab", true],
      ["y", false],
    ]);
  });
});

describe("a match among the lines that are here", () => {
  const list = [row(10, "one"), row(11, "two", "stderr"), row(12, "an error"), row(20, "one")];
  const rows = { total: list.length, at: (i: number) => list[i] };

  test.each([
    [{ text: "one" }, 0, 0, 10, 0],
    [{ text: "one" }, 10, 1, 20, 1],
    [{ text: "one" }, 20, 1, 10, 0],
    [{ text: "one" }, 10, -1, 20, 1],
    [{ text: "one" }, 15, 0, 20, 1],
    [{ text: "one" }, 99, 0, 20, 1],
    [{ errors: true }, 0, 0, 11, 0],
    [{ errors: true }, 11, 1, 12, 1],
  ] as const)("%o near %d, step %d", (wanted, near, step, line, ordinal) => {
    expect(findHere(rows, wanted, near, step)).toMatchObject({ line, ordinal, matches: 2, shown: 4 });
  });

  test("may be none", () => {
    expect(findHere(rows, { text: "x" }, 0, 0)).toMatchObject({ line: null, matches: 0 });
  });
});

test("text without gaps has no marks", () => {
  expect(textWithGaps([row(0, "a"), row(1, "b")], 2)).toBe("a\nb\n");
  expect(textWithGaps([row(5, "a"), row(7, "b")], null)).toBe("a\n… 1 line missing here …\nb\n");
});
