/** Deceptive characters get a visible mark, by the same rule as in the kernel. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { marked, markedMessage } from "../../src/kernel/marks";

const CASES = JSON.parse(readFileSync(resolve(process.cwd(), "../tests/contract/marks.json"), "utf8")) as [
  string,
  string,
][];

const DECEIVES = /[\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\u061c\xad\ufeff\x7f-\x9f]/;

test.each(CASES)("%j: nothing in it steers the direction of text", (text, shown) => {
  expect(marked(text)).not.toMatch(DECEIVES);
  // The kernel's marks, and the characters that it has kept, stay.
  expect(marked(shown)).toBe(shown);
});

test("a mark is the one of the kernel", () => {
  expect(marked("app/\u202eyp.niam\u0007")).toBe("app/⟨U+202E⟩yp.niam␇");
});

test("a message is marked, except what goes to the kernel", () => {
  const message = {
    key: "c\u202e",
    title: "c\u202e",
    options: [{ id: "a\u202e", label: "a\u202e" }],
    context: { changes: ["m\u202e"], template: '"\u202e"' },
    form: [{ path: ["p\u202e"], label: "p\u202e" }],
    path: "p\u202e",
    text: "\u001b[31mred\u202e",
  };
  expect(markedMessage(message)).toEqual({
    key: "c\u202e",
    title: "c⟨U+202E⟩",
    options: [{ id: "a\u202e", label: "a⟨U+202E⟩" }],
    context: { changes: ["m⟨U+202E⟩"], template: '"\u202e"' },
    form: [{ path: ["p\u202e"], label: "p⟨U+202E⟩" }],
    path: "p⟨U+202E⟩",
    text: "\u001b[31mred⟨U+202E⟩",
  });
});

test("a message without anything to mark stays the object it is", () => {
  const message = { rows: [{ key: "1", text: "plain" }], total: 1 };
  expect(markedMessage(message)).toBe(message);
});
