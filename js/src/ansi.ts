/** Text of the stream → styled pieces. Nothing here makes HTML: a piece's text goes into a text node. */
import Anser, { type AnserJsonEntry } from "anser";

export interface Piece {
  text: string;
  /** Class names, from a fixed list. */
  style: string;
  /** A color outside the palette of 16: "r, g, b" of numbers. */
  color: string | null;
  background: string | null;
}

/** The 16 colors have classes, so that they follow the theme. */
const PALETTE = /^ansi-(bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/;
const RGB = /^\d{1,3}, ?\d{1,3}, ?\d{1,3}$/;
const ESCAPE = "\u001b";
/** What is neither text nor tab: the kernel strips it already, this is the second door. */
const CONTROL = /[^\P{Cc}\t]/gu;
const URL = /https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}]/g;

/** Splits a line with ANSI SGR sequences into pieces of one style each. */
export function pieces(line: string): Piece[] {
  if (!line.includes(ESCAPE)) return [{ text: clean(line), style: "", color: null, background: null }];
  return Anser.ansiToJson(line, { json: true, remove_empty: true, use_classes: true })
    .map(piece)
    .filter((each) => each.text !== "");
}

/** The line without its styles, as it is searched and copied. */
export function plain(line: string): string {
  return line.includes(ESCAPE) ? clean(Anser.ansiToText(line)) : clean(line);
}

/** Splits text at its http(s) addresses; those have `href`. */
export function links(text: string): { text: string; href: string | null }[] {
  if (!text.includes("://")) return [{ text, href: null }];
  const parts: { text: string; href: string | null }[] = [];
  let from = 0;
  for (const match of text.matchAll(URL)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index), href: null });
    parts.push({ text: match[0], href: match[0] });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), href: null });
  return parts;
}

function piece(entry: AnserJsonEntry): Piece {
  const styles: string[] = entry.decorations.map((name) => `rc-ansi-${name}`);
  if (PALETTE.test(entry.fg)) styles.push(`rc-${entry.fg}`);
  if (PALETTE.test(entry.bg)) styles.push(`rc-${entry.bg}-bg`);
  return {
    text: clean(entry.content),
    style: styles.join(" "),
    color: rgb(entry.fg, entry.fg_truecolor),
    background: rgb(entry.bg, entry.bg_truecolor),
  };
}

function rgb(name: string | null, truecolor: string | null): string | null {
  if (name === "ansi-truecolor" && truecolor && RGB.test(truecolor)) return truecolor;
  const index = name?.match(/^ansi-palette-(\d+)$/)?.[1];
  return index === undefined ? null : paletteColor(Number(index));
}

/** The xterm color with a number of 16 to 255. */
function paletteColor(index: number): string {
  if (index >= 232)
    return Array(3)
      .fill(8 + (index - 232) * 10)
      .join(", ");
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40);
  const cube = index - 16;
  return [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level).join(", ");
}

function clean(text: string): string {
  return text.replace(CONTROL, "");
}
