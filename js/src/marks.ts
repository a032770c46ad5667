/**
 * Visible marks for characters that cannot be seen, or that change how their neighbors are read: a direction override makes
 * one path look like another. The kernel has marked them already (`src/runconsole/marks.py`, the same rule); this is the
 * second line, at the door where its messages come in.
 */

const LETTERS =
  "\\u0600-\\u08ff\\u0900-\\u0dff\\u1000-\\u109f\\u1780-\\u17b3\\u1800-\\u18af\\ufb50-\\ufdff\\ufe70-\\ufefc";
const PICTURES = "\\u2600-\\u27bf\\u{1f000}-\\u{1faff}";
const SYMBOLS = `\\xa9\\xae\\u203c\\u2049\\u2122\\u2139\\u2190-\\u2bff\\u3030\\u303d\\u3297\\u3299\\u{1f000}-\\u{1faff}`;
const IDEOGRAPHS = "\\u3400-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}";
/** A word in the invisible letters that tell which flag is meant. */
const tags = (word: string) => [...word].map((c) => String.fromCodePoint(0xe0000 + c.charCodeAt(0))).join("");
/** Invisible characters with a meaning: the tags of a flag, joiners and variation selectors. */
const KEPT = [
  `\\u{1f3f4}(?:${["gbeng", "gbsct", "gbwls"].map(tags).join("|")})\\u{e007f}`,
  `(?<=[\\ufe0f${PICTURES}])\\u200d(?=[\\u2194\\u2195\\u2b1b${PICTURES}])`,
  `(?<=[${LETTERS}])[\\u200c\\u200d\\u180b-\\u180d]`,
  "(?<=[#*0-9])\\ufe0f(?=\\u20e3)",
  `(?<=[${SYMBOLS}])[\\ufe0e\\ufe0f]`,
  `(?<=[${IDEOGRAPHS}])[\\ufe00-\\ufe02\\u{e0100}-\\u{e01ef}]`,
].join("|");
const HIDDEN = "\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}\\p{DI}\\ufff0-\\ufffb";
const MARKED = new RegExp(`(?:${KEPT})|([\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f${HIDDEN}])`, "gu");
const MARKED_BUT_CONTROLS = new RegExp(`(?:${KEPT})|([${HIDDEN}])`, "gu");
const PLAIN = /^[\t\n -~]*$/;

/** The text with a visible mark for each character that deceives; `controls`: for control characters, too. */
export function marked(text: string, controls = true): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll("\r\n", "\n").replace(controls ? MARKED : MARKED_BUT_CONTROLS, mark);
}

function mark(found: string, hidden: string | undefined): string {
  const code = hidden?.codePointAt(0);
  if (code === undefined) return found;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "␡" : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** What goes back to the kernel, or is shown as JSON: it stays as it is. */
const RAW = new Set([
  "key",
  "id",
  "order",
  "checkpoint",
  "answer",
  "decision",
  "default_action",
  "payload",
  "template",
]);

/** A message of the kernel with marks in all its texts; what has none to get stays the same object. */
export function markedMessage<T>(value: T, name = ""): T {
  if (RAW.has(name)) return value;
  // The text of a line of output has its colors as control sequences; other control characters are gone from it.
  if (typeof value === "string") return marked(value, name !== "text") as T;
  if (typeof value !== "object" || value === null) return value;
  let copy: Record<string, unknown> | null = null;
  for (const [field, held] of Object.entries(value)) {
    const fresh = markedMessage(held, Array.isArray(value) ? name : field);
    if (fresh === held) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[field] = fresh;
  }
  return (copy ?? value) as T;
}
