import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("the bundle shortens no name of a message", () => {
  const shortened = new Set(/\/\^\(([\w|]+)\)\$\//.exec(read("../build.mjs"))?.[1]?.split("|"));
  const fields = [...read("../src/kernel/contract.ts").matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name ?? "");
  expect(shortened.size).toBeGreaterThan(50);
  expect(fields.length).toBeGreaterThan(100);
  expect(fields.filter((name) => shortened.has(name))).toEqual([]);
});
