import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nest, shorten } from "../nest.mjs";

const place = (path: string) => new URL(path, import.meta.url);
const read = (path: string) => readFileSync(place(path), "utf8");

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

test("properties that the style sheet declares get short names, those of scripts keep theirs", () => {
  const css =
    ".x{--rc-bg: red;--rc-bg-soft: var(--rc-bg)}.y{color:var(--rc-bg);width:var(--rc-level,var(--jp-z))}.x{--rc-bg:b}";
  expect(shorten(css)).toBe(
    ".x{--r0: red;--r1: var(--r0)}.y{color:var(--r0);width:var(--rc-level,var(--jp-z))}.x{--r0:b}",
  );
});

test("no script knows a property that the style sheet declares", () => {
  const styles = [...read("../src/styles/index.css").matchAll(/"\.\/([\w-]+\.css)"/g)].map(([, name]) => name ?? "");
  const declared = styles.flatMap((name) =>
    [...read(`../src/styles/${name}`).matchAll(/(--rc-[\w-]+):/g)].map(([, property]) => property ?? ""),
  );
  expect(declared.length).toBeGreaterThan(20);
  const scripts = readdirSync(place("../src"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => read(`../src/${name}`));
  expect(scripts.length).toBeGreaterThan(50);
  expect(declared.filter((name) => scripts.some((text) => text.includes(name)))).toEqual([]);
});
