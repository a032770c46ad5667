import { describe, expect, test } from "vitest";
import { links, pieces, plain } from "../../src/ui/ansi";

const ESC = "\u001b";

describe("a line with ANSI sequences", () => {
  test("becomes pieces with class names of a fixed list", () => {
    expect(pieces(`${ESC}[1;31mred${ESC}[0m plain`)).toEqual([
      { text: "red", style: "rc-ansi-bold rc-ansi-red", color: null, background: null },
      { text: " plain", style: "", color: null, background: null },
    ]);
  });

  test("keeps colors outside the palette as numbers", () => {
    const [xterm, rgb, gray] = pieces(`${ESC}[38;5;208ma${ESC}[38;2;1;2;3mb${ESC}[0;48;5;240mc`);
    expect(xterm?.color).toBe("255, 135, 0");
    expect(rgb?.color).toBe("1, 2, 3");
    expect(gray?.background).toBe("88, 88, 88");
  });

  test("is written with what each code switches on and off", () => {
    const styles = (codes: string) => pieces(`${ESC}[${codes}mx`)[0];
    expect(styles("1;2;3;4;7;9")?.style).toBe(
      "rc-ansi-bold rc-ansi-dim rc-ansi-italic rc-ansi-underline rc-ansi-reverse rc-ansi-strikethrough",
    );
    expect(styles("1;2;3;22")?.style).toBe("rc-ansi-italic");
    expect(styles("4;9;24;29;1;21")?.style).toBe("");
    expect(styles("91;104")?.style).toBe("rc-ansi-bright-red rc-ansi-bright-blue-bg");
    expect(styles("31;42;39;49;1;0")?.style).toBe("");
    expect(styles("1;")?.style).toBe("");
    expect(styles("38;5;9;48;5;2")?.style).toBe("rc-ansi-bright-red rc-ansi-green-bg");
    expect(styles("38:2::1:2:3;4:3")).toMatchObject({ color: "1, 2, 3", style: "rc-ansi-underline" });
    expect(styles("38;5;999;1")).toMatchObject({ color: null, style: "rc-ansi-bold" });
    expect(styles("38;2;1;2")?.color).toBeNull();
    expect(styles("53;73;110;999")?.style).toBe("");
  });

  test("keeps its style from piece to piece, not from line to line", () => {
    expect(pieces(`${ESC}[31ma${ESC}[1mb`).map(({ style }) => style)).toEqual([
      "rc-ansi-red",
      "rc-ansi-bold rc-ansi-red",
    ]);
    expect(pieces(`${ESC}[Kc`)[0]?.style).toBe("");
  });

  test("cannot smuggle a style in", () => {
    const styles = pieces(`${ESC}[38;2;1;2;red;background:url(x)mtext`).map((piece) => piece.color);
    expect(styles.every((color) => color === null || /^[\d, ]+$/.test(color))).toBe(true);
  });

  test("loses other sequences and every control character", () => {
    const line = `${ESC}[2Ka${ESC}]0;title\u0007b\u0000\u009bc\u007f`;
    const text = pieces(line)
      .map((piece) => piece.text)
      .join("");
    expect(text).not.toMatch(/[^\P{Cc}\t]/u);
    expect(text).toContain("a");
  });

  test("is searched and copied without them", () => {
    expect(plain(`${ESC}[32m✓${ESC}[0m\tdone`)).toBe("✓\tdone");
  });

  test("leaves markup as the text it is", () => {
    expect(pieces("<b>&amp;</b>")).toEqual([{ text: "<b>&amp;</b>", style: "", color: null, background: null }]);
    expect(pieces(`${ESC}[1m<i>&lt;`)[0]?.text).toBe("<i>&lt;");
  });
});

describe("links in a text", () => {
  test("are http and https addresses, without a final full stop", () => {
    expect(links("see https://a.example/x?y=1. Or javascript://x, ftp://y")).toEqual([
      { text: "see ", href: null },
      { text: "https://a.example/x?y=1", href: "https://a.example/x?y=1" },
      { text: ". Or javascript://x, ftp://y", href: null },
    ]);
  });
});
