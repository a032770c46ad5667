/** The texts of a form become the values that are sent. */
import { describe, expect, test } from "vitest";
import { choiceRows, formField } from "../../dev/fake";
import { changed, placed, rawOf, valuesOf, wordsOf } from "../../src/cards/values";
import type { FieldKind, FormField } from "../../src/kernel/contract";
import type { FormTexts } from "../../src/state/drafts";

const one = (kind: FieldKind, more: Partial<FormField> = {}) => formField("x", kind, "X", more);
/** The value that is sent for a text; `undefined` where it is left out. */
const sent = (field: FormField, raw?: string | readonly string[]) =>
  valuesOf([field], raw === undefined ? null : { x: raw }).values.x;
const local = (text: string) => new Date(text).toISOString().replace(".000Z", "Z");

describe("a text", () => {
  test("is sent as it was typed", () => {
    expect(sent(one("text"), " a  b ")).toBe(" a  b ");
    expect(sent(one("lines"), "a\nb\n")).toBe("a\nb\n");
    expect(sent(one("date"), "2026-05-31")).toBe("2026-05-31");
  });

  test("that is empty is left out; one whose default was removed is empty", () => {
    expect(sent(one("text"), "")).toBeUndefined();
    expect(sent(one("text", { required: true }))).toBeUndefined();
    expect(sent(one("text", { start: '"draft"' }), "")).toBe("");
    expect(sent(one("lines", { start: '"draft"' }), "")).toBe("");
    expect(sent(one("date", { start: '"2026-05-31"' }), "")).toBeNull();
  });
});

describe("a number", () => {
  test.each([
    ["3", 3],
    [" -2 ", -2],
    ["+1", 1],
    ["0.50", 0.5],
    [".5", 0.5],
    ["1e-3", 0.001],
    ["0,5", "0,5"],
    ["0x10", "0x10"],
    ["many", "many"],
    ["1e999", "1e999"],
  ])("%j is sent as %j", (text, value) => {
    expect(sent(one("number"), text)).toBe(value);
    expect(sent(one("integer"), text)).toBe(value);
  });

  test("that is empty is left out; one whose default was removed is null, for the kernel to refuse", () => {
    expect(sent(one("number"), " ")).toBeUndefined();
    expect(sent(one("integer", { start: "3" }), "")).toBeNull();
  });

  test("that the browser would round is not sent", () => {
    const { problems } = valuesOf([one("integer")], { x: "12345678901234567890" });
    expect(problems).toEqual({ x: "a number has more digits than can be sent exactly" });
  });
});

describe("a default", () => {
  test.each([
    [one("number", { start: "1.50" }), "1.50", 1.5],
    [one("text", { start: '"a\\u200bb"' }), "a\u200bb", "a\u200bb"],
    [one("text", { start: '""' }), "", ""],
    [one("boolean", { start: "true" }), "true", true],
    [one("boolean", { start: "false" }), "false", false],
    [one("choice", { start: '"b"', choices: choiceRows("a", "b") }), '"b"', "b"],
    [one("choices", { start: "[2, 1]", choices: choiceRows(1, 2) }), ["2", "1"], [2, 1]],
    [one("date", { start: '"2026-05-31"' }), "2026-05-31", "2026-05-31"],
  ])("stands in its field and is sent as it is: %#", (field, raw, value) => {
    expect(rawOf(field, null)).toEqual(raw);
    expect(sent(field)).toEqual(value);
  });

  test("that the browser cannot hold is left to the kernel", () => {
    const filled = valuesOf([one("integer", { start: "12345678901234567890" })], null);
    expect(filled).toEqual({ values: {}, problems: {} });
    expect(rawOf(one("integer", { start: "12345678901234567890" }), null)).toBe("12345678901234567890");
  });

  test("that no field can show is sent unless it is changed", () => {
    expect(sent(one("date", { start: '"soon"' }))).toBe("soon");
    expect(sent(one("choice", { start: '"c"', choices: choiceRows("a") }))).toBe("c");
    expect(sent(one("choice", { start: '"c"', choices: choiceRows("a") }), '"a"')).toBe("a");
  });
});

describe("a box to tick", () => {
  test("is true or false once it was touched, and where a value is needed", () => {
    expect(sent(one("boolean"))).toBeUndefined();
    expect(sent(one("boolean", { required: true }))).toBe(false);
    expect(sent(one("boolean"), "true")).toBe(true);
    expect(sent(one("boolean"), "false")).toBe(false);
    expect(sent(one("boolean", { start: "true" }), "false")).toBe(false);
  });
});

describe("choices", () => {
  const few = { choices: choiceRows("a", 2, "c") };

  test("have the types of their values", () => {
    expect(sent(one("choice", few), "2")).toBe(2);
    expect(sent(one("choice", few), '"a"')).toBe("a");
    expect(sent(one("choices", few), ['"a"', "2"])).toEqual(["a", 2]);
  });

  test("may be none", () => {
    expect(sent(one("choice", few), "")).toBeUndefined();
    expect(sent(one("choices", few), [])).toBeUndefined();
    expect(sent(one("choices", { ...few, required: true }), [])).toEqual([]);
    expect(sent(one("choices", { ...few, start: '["a"]' }), [])).toEqual([]);
  });

  test("of a draft that are offered no more are none", () => {
    expect(sent(one("choice", few), '"old"')).toBeUndefined();
    expect(sent(one("choices", few), ['"old"', "2"])).toEqual([2]);
    expect(sent(one("choices", few), "text of another kind")).toBeUndefined();
  });
});

describe("a date with a time", () => {
  test("is local in its field and UTC on its way", () => {
    expect(sent(one("datetime"), "2026-05-31T18:00")).toBe(local("2026-05-31T18:00"));
    const field = one("datetime", { start: JSON.stringify(local("2026-05-31T18:00:07")) });
    expect(rawOf(field, null)).toBe("2026-05-31T18:00:07");
  });

  test("is the default itself while nobody changes it", () => {
    expect(sent(one("datetime", { start: '"2026-05-31T18:00:00.123456+02:00"' }))).toBe(
      "2026-05-31T18:00:00.123456+02:00",
    );
  });
});

describe("an object in the values", () => {
  const member = (key: string, more: Partial<FormField> = {}) =>
    formField(key, "text", key, { group: "Group", ...more });

  test("holds its fields by their paths, whatever their names", () => {
    const form = [member("a.b"), member("a.c"), formField("d.e", "text", "D", { path: ["d.e"] })];
    const texts: FormTexts = { "a.b": "1", "a.c": "2", "d.e": "3" };
    expect(valuesOf(form, texts).values).toEqual({ a: { b: "1", c: "2" }, "d.e": "3" });
    const { values } = valuesOf([member("__proto__.polluted")], { "__proto__.polluted": "yes" });
    expect(JSON.stringify(values)).toBe('{"__proto__":{"polluted":"yes"}}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("is left out while it is empty and needs a value, and sent where it needs none", () => {
    expect(valuesOf([member("a.b", { required: true })], null).values).toEqual({});
    expect(valuesOf([member("a.b")], null).values).toEqual({ a: {} });
  });
});

test("a field that has its default again is not changed", () => {
  const field = one("number", { start: "3" });
  const texts = changed(field, { y: "kept" }, "4");
  expect(texts).toEqual({ y: "kept", x: "4" });
  expect(changed(field, texts, "3")).toEqual({ y: "kept" });
  expect(changed(field, { x: "4" }, "3")).toBeNull();
});

test("what was typed is copied with its labels", () => {
  const form = [
    formField("a", "text", "Name", { start: '"n"' }),
    formField("b", "choice", "Device", { choices: [{ label: "A card", value: '"gpu"' }] }),
    formField("c", "boolean", "Resume"),
    formField("d", "choices", "Splits", { choices: choiceRows("x", "y") }),
  ];
  expect(wordsOf(form, { b: '"gpu"', c: "true", d: ['"x"', '"y"'] })).toBe("Device: A card\nResume: yes\nSplits: x, y");
  expect(wordsOf(form, null)).toBe("");
});

test("a reason stands beside the field that it is about, else below the form", () => {
  const form = [formField("a", "choices", "A"), formField("ab", "text", "AB"), formField("g.c", "text", "C")];
  const reasons = { ab: "1", "a.0": "2", a: "3", g: "4", "": "5", other: "6" };
  expect(Object.fromEntries(placed(form, reasons))).toEqual({
    ab: "1",
    a: "2; 3",
    "g.c": "4",
    "": "5; other: 6",
  });
});
