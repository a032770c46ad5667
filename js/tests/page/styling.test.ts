import { beforeEach, expect, test, vi } from "vitest";
import { style } from "../../src/page/styling";

const TEXT = ".runconsole { color: red; }";
let seen: (() => void)[] = [];

beforeEach(() => {
  document.head.replaceChildren();
  document.body.replaceChildren();
  seen = [];
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(report: () => void) {
        seen.push(report);
      }
      observe() {}
    },
  );
  return () => vi.unstubAllGlobals();
});

const sheets = (place: ParentNode) => [...place.querySelectorAll("style")].map((sheet) => sheet.textContent);

function shadow(): ShadowRoot {
  const host = document.createElement("div");
  document.body.append(host);
  return host.attachShadow({ mode: "open" });
}

test("several panels of a document share one style sheet", () => {
  for (const el of [document.createElement("div"), document.createElement("div")]) {
    document.body.append(el);
    style(el, TEXT);
  }
  expect(sheets(document.head)).toEqual([TEXT]);
});

test("the style sheets of two versions stand side by side", () => {
  style(document.createElement("div"), TEXT);
  style(document.createElement("div"), ".runconsole { color: blue; }");
  expect(sheets(document.head)).toHaveLength(2);
});

test("a panel in a shadow root has the style sheet there", () => {
  const root = shadow();
  const el = document.createElement("div");
  root.append(el);
  style(el, TEXT);
  expect(sheets(root)).toEqual([TEXT]);
  expect(sheets(document.head)).toEqual([]);
});

test("a panel that gets its place later finds the style sheet there", () => {
  const el = document.createElement("div");
  style(el, TEXT);
  const root = shadow();
  root.append(el);
  for (const report of seen) report();
  for (const report of seen) report();
  expect(sheets(root)).toEqual([TEXT]);
});
