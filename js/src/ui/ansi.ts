/** Text of the stream → styled pieces. Nothing here makes HTML: a piece's text goes into a text node. */
export interface Piece {
  text: string;
  /** Class names, from a fixed list. */
  style: string;
  /** A color outside the palette of 16: "r, g, b" of numbers. */
  color: string | null;
  background: string | null;
}

/** The 16 colors have classes, so that they follow the theme. */
const COLORS = "black red green yellow blue magenta cyan white".split(" ");
/** The decorations of the codes 1 to 9; 20 more ends each. */
const DECORATIONS = " bold dim italic underline blink  reverse hidden strikethrough".split(" ");
const ESCAPE = "\u001b";
/** A control sequence: with its codes if it is about style (SGR), else without. */
const SEQUENCE = new RegExp(`(?:${ESCAPE}\\[|\u009b)(?:([\\d;:]*)m|[ -?]*[@-~])`);
/** Characters that are neither text nor tab: the kernel strips them already, this is the second line of defense. */
const CONTROL = /[^\P{Cc}\t]/gu;
const URL = /https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}]/g;

/** Splits a line with ANSI SGR sequences (ECMA-48, 8.3.117) into pieces of one style each. */
export function pieces(line: string): Piece[] {
  const pen = new Pen();
  const found: Piece[] = [];
  for (const [i, part] of line.split(SEQUENCE).entries()) {
    if (i % 2 === 0) found.push(pen.write(clean(part)));
    else if (part !== undefined) pen.set(part.split(";").flatMap(codes));
  }
  return found.filter(({ text }) => text !== "");
}

export interface MarkedPiece extends Piece {
  isMarked: boolean;
}

/** Splits pieces at the places that are found in their joined text. */
export function marked(
  all: readonly Piece[],
  find: (text: string) => readonly (readonly [number, number])[],
): MarkedPiece[] {
  const places = find(all.map(({ text }) => text).join(""));
  const parts: MarkedPiece[] = [];
  let at = 0;
  for (const piece of all) {
    const edges = [0, ...places.flat().map((edge) => edge - at), piece.text.length];
    const cuts = [...new Set(edges.filter((edge) => edge >= 0 && edge <= piece.text.length))];
    for (let i = 1; i < cuts.length; i++) {
      const from = cuts[i - 1] as number;
      const isMarked = places.some(([begin, end]) => begin <= at + from && at + from < end);
      parts.push({ ...piece, text: piece.text.slice(from, cuts[i]), isMarked });
    }
    at += piece.text.length;
  }
  return parts;
}

/** The line without its styles, for search and copy. */
export function plain(line: string): string {
  return pieces(line)
    .map(({ text }) => text)
    .join("");
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

/**
 * A code as numbers. Colors may have theirs behind colons, in which the first is the color space; no other use is known
 * here.
 */
function codes(code: string): number[] {
  const numbers = code.split(":");
  return (/^[34]8$/.test(numbers[0] ?? "") ? numbers.filter((part) => part !== "") : numbers.slice(0, 1)).map(Number);
}

/** The style of text. A color is the name of one of the 16, or numbers: "r, g, b". */
class Pen {
  readonly #decorations = new Set<string>();
  #color: string | null = null;
  #background: string | null = null;

  write(text: string): Piece {
    const styles = [...this.#decorations];
    if (this.#color && !isNumbers(this.#color)) styles.push(this.#color);
    if (this.#background && !isNumbers(this.#background)) styles.push(`${this.#background}-bg`);
    return {
      text,
      style: styles.map((name) => `rc-ansi-${name}`).join(" "),
      color: isNumbers(this.#color) ? this.#color : null,
      background: isNumbers(this.#background) ? this.#background : null,
    };
  }

  set(codes: readonly number[]): void {
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] ?? 0;
      const tens = Math.floor(code / 10);
      if (code === 0) this.#reset();
      else if (tens === 0) this.#decorate(code);
      else if (tens === 2) this.#decorate(code % 10, false);
      else if (code === 38 || code === 48) {
        this.#paint(tens, colorOf(codes.slice(i + 1, i + 5)));
        i += codes[i + 1] === 2 ? 4 : 2;
      } else if (code % 10 < 8) this.#paint(tens, `${tens >= 9 ? "bright-" : ""}${COLORS[code % 10]}`);
      else if (code === 39 || code === 49) this.#paint(tens, null);
    }
  }

  #reset(): void {
    this.#decorations.clear();
    this.#color = this.#background = null;
  }

  #decorate(code: number, on = true): void {
    const name = DECORATIONS[code];
    if (on && name) this.#decorations.add(name);
    if (!on) this.#decorations.delete(name ?? "");
    // "Normal intensity" ends both.
    if (!on && code === 2) this.#decorations.delete("bold");
  }

  #paint(tens: number, color: string | null): void {
    if (tens === 3 || tens === 9) this.#color = color;
    if (tens === 4 || tens === 10) this.#background = color;
  }
}

function isNumbers(color: string | null): boolean {
  return color?.includes(",") ?? false;
}

/** The color that follows a 38 or 48: "5;n" of the xterm palette, or "2;r;g;b"; null for another code. */
function colorOf([kind, ...numbers]: readonly number[]): string | null {
  const values = kind === 2 ? numbers : numbers.slice(0, 1);
  if (values.length < (kind === 2 ? 3 : 1) || values.some((value) => !(value <= 255))) return null;
  if (kind === 2) return values.join(", ");
  const index = values[0] ?? 0;
  if (kind !== 5) return null;
  return index < 16 ? `${index < 8 ? "" : "bright-"}${COLORS[index % 8]}` : paletteColor(index);
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
