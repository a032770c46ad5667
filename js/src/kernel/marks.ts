/**
 * Visible marks for invisible characters, and for those that change how their neighbors are read: a direction override
 * makes one path look like another. The kernel has marked them already (`src/runconsole/text/marks.py`, with a larger
 * list); this is the second line of defense, where its messages come in.
 */

/**
 * Characters that steer the direction of text, end lines, or take no room; and control characters but those of colored
 * output.
 */
const HIDDEN = /[^\P{Cc}\t\n]|[\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** The text with a visible mark for each deceptive character. */
export function marked(text: string): string {
  return text.replace(HIDDEN, mark);
}

function mark(hidden: string): string {
  const code = hidden.charCodeAt(0);
  if (code === 27) return hidden;
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** Fields that are sent back to the kernel, or shown as JSON: they stay unchanged. */
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

/** A message of the kernel with marks in all its texts; a value without any stays the same object. */
export function markedMessage<T>(value: T, name = ""): T {
  if (RAW.has(name)) return value;
  if (typeof value === "string") return marked(value) as T;
  if (typeof value !== "object" || value === null) return value;
  const isList = Array.isArray(value);
  if (isList && name === "path") return value; // of a form's field: its names go back to the kernel
  let copy = value as Record<string, unknown>;
  for (const [field, held] of Object.entries(value)) {
    const fresh = markedMessage(held, isList ? name : field);
    if (fresh === held) continue;
    if (copy === value) copy = (isList ? [...value] : { ...value }) as Record<string, unknown>;
    copy[field] = fresh;
  }
  return copy as T;
}
