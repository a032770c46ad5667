import { h, render } from "preact";
import { afterEach, describe, expect, test } from "vitest";
import { looksLikeMarkdown, Markdown } from "../../src/ui/markdown";

const host = document.createElement("div");
afterEach(() => render(null, host));
const html = (text: string) => {
  render(h(Markdown, { text }), host);
  return host.querySelector(".rc-md")?.innerHTML ?? "";
};

describe("Markdown", () => {
  test.each([
    ["# A *plan*", '<h4 class="rc-md-h1">A <em>plan</em></h4>'],
    ["one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"],
    ["- a\n- b\n  - c\n- d", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"],
    ["2. a\n3. b", '<ol start="2"><li>a</li><li>b</li></ol>'],
    ["- [ ] open\n- [x] done", "<ul><li>☐ open</li><li>☑ done</li></ul>"],
    ["> said\n> twice", "<blockquote><p>said\ntwice</p></blockquote>"],
    ["```py\nx = `1`\n```\nafter", '<pre class="rc-pre">x = `1`</pre><p>after</p>'],
    [
      "**bold** __too__ `c*d*` ~~gone~~ _soft_",
      "<p><strong>bold</strong> <strong>too</strong> <code>c*d*</code> <del>gone</del> <em>soft</em></p>",
    ],
    ["a\n---\nb", "<p>a</p><hr><p>b</p>"],
    ["snake_case_name and 2 * 3 * 4", "<p>snake_case_name and 2 * 3 * 4</p>"],
  ])("%j", (text, expected) => {
    expect(html(text)).toBe(expected);
  });

  test("has tables", () => {
    html("| a | b |\n|---|:-:|\n| 1 | **2** |\n| x \\| y | |\n\nafter");
    const rows = [...host.querySelectorAll("tr")].map((row) => [...row.children].map((cell) => cell.textContent));
    expect(rows).toEqual([
      ["a", "b"],
      ["1", "2"],
      ["x | y", ""],
    ]);
    expect(host.querySelector("p")?.textContent).toBe("after");
  });

  test("shows a link's address beside its words, and follows only http(s)", () => {
    html("[safe](https://example.org/x) and [not](javascript:alert(1)) ![pic](http://e.org/p.png)");
    expect([...host.querySelectorAll("a")].map((link) => link.href)).toEqual([
      "https://example.org/x",
      "http://e.org/p.png",
    ]);
    expect(host.textContent).toContain("safe (https://example.org/x)");
    expect(host.querySelector("img")).toBeNull();
  });

  test("never makes elements of the text's own HTML", () => {
    html("<img src=x onerror=alert(1)>\n\n<b>no</b>\n\n| <i>x</i> |\n|---|\n| <u>y</u> |");
    expect(host.querySelector("img, b, i, u")).toBeNull();
    expect(host.textContent).toContain("<img src=x onerror=alert(1)>");
  });

  test.each([
    ["**".repeat(20_000)],
    [`[${"[".repeat(20_000)}`],
    [`${"> ".repeat(20_000)}x`],
    [Array.from({ length: 400 }, (_, n) => `${"  ".repeat(n)}- x`).join("\n")],
    ["- a\n".repeat(3000)],
    ["`".repeat(30_000)],
    ["_a ".repeat(1300)],
  ])("loses nothing of hostile text (%#)", (text) => {
    expect(html(text).length).toBeGreaterThan(0);
  });
});

test.each([
  ["# Title\n\ntext", true],
  ["1. first\n2. second", true],
  ["plain words, nothing more", false],
  ["2026-01-01 12:00:00 INFO started", false],
  ["x".repeat(300_000), false],
])("is recognized: %#", (text, expected) => {
  expect(looksLikeMarkdown(text)).toBe(expected);
});
