import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nest } from "../nest.mjs";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("the bundle shortens no name of a message", () => {
  const shortened = new Set(/\/\^\(([\w|]+)\)\$\//.exec(read("../build.mjs"))?.[1]?.split("|"));
  const fields = [...read("../src/kernel/contract.ts").matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name ?? "");
  expect(shortened.size).toBeGreaterThan(50);
  expect(fields.length).toBeGreaterThan(100);
  expect(fields.filter((name) => shortened.has(name))).toEqual([]);
});

test("rules of the panel are nested in runs, and others stay where they are", () => {
  const css =
    '.runconsole{a:b}.runconsole .x,.runconsole :is(.y,.z) p{c:"}"}@media(print){.runconsole .x{d:e}}' +
    "@keyframes k{to{f:g}}body .runconsole .x{h:i}.runconsole a{j:k}.runconsole .x,.other{l:m}";
  expect(nest(css)).toBe(
    '.runconsole{a:b}.runconsole{.x,:is(.y,.z) p{c:"}"}@media(print){.x{d:e}}}' +
      "@keyframes k{to{f:g}}body .runconsole .x{h:i}.runconsole{a{j:k}}.runconsole .x,.other{l:m}",
  );
});
