/** The context of a question: the spec, the changes, and all other data of the server. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { CheckpointRow } from "../kernel/contract";
import { Button } from "../ui/button";
import { plural } from "../ui/format";
import { Text } from "../ui/icons";

const FOLDED_LINES = 8;
/** Lines of a diff shown at first: half a change is hard to judge. */
const FOLDED_DIFF = 24;
const LONG = 400;

/** `lacks`: a part of it is not here yet. */
export function Context({ row, lacks }: { row: CheckpointRow; lacks: boolean }) {
  const { spec, changes, texts, other } = row.context;
  const isPart = (name: string) => lacks && (row.cut?.includes(`context.${name}`) ?? false);
  return (
    <>
      {spec !== undefined && <Folded title="Spec" text={spec} part={isPart("spec")} />}
      {changes !== undefined && changes.length > 0 && <Changes changes={changes} part={isPart("changes")} />}
      {texts?.map(({ name, text }) => (
        <Folded key={name} title={titleOf(name)} text={text} part={isPart("texts")} />
      ))}
      {other !== undefined && <Folded title="More" text={other} part={isPart("other")} startFolded />}
    </>
  );
}

/** The missing parts of a question, in words; null when everything that matters for the decision is here. */
export function lacking({ cut = [], rest = {} }: CheckpointRow): string | null {
  const parts = cut
    .filter((field) => /^(context|title|description|options)/.test(field))
    .map((field) => {
      const [lines, characters] = rest[field] ?? [0, 0];
      const more =
        lines > 0 ? plural(lines, "more line") : characters > 0 ? plural(characters, "more character") : "more";
      return `${more} of ${field.replace("context.", "")}`;
    });
  return parts.length > 0 ? parts.join(", ") : null;
}

/** "rollback_plan" → "Rollback plan". */
function titleOf(name: string): string {
  const words = name.replaceAll(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function Changes({ changes, part }: { changes: readonly string[]; part: boolean }) {
  const isDiff = changes.some(looksLikeDiff);
  if (isDiff) return <Folded title="Changes" text={changes.join("\n")} part={part} />;
  return (
    <Folds title="Changes" count={changes.length} unit="change" beginning={FOLDED_LINES} part={part}>
      {(shown) => (
        <ul class="rc-changes">
          {changes.slice(0, shown).map((change, i) => (
            <li key={i} class={changeClass(change)}>
              <Text>{change}</Text>
            </li>
          ))}
        </ul>
      )}
    </Folds>
  );
}

interface FoldedProps {
  title: string;
  text: string;
  part: boolean;
  startFolded?: boolean;
}

function Folded({ title, text, part, startFolded = false }: FoldedProps) {
  const lines = text.replace(/\n$/, "").split("\n");
  const kinds = looksLikeDiff(text) ? diffKinds(lines) : null;
  const note = kinds ? `+${kinds.filter(isAdded).length} −${kinds.filter(isRemoved).length}` : undefined;
  return (
    <Folds
      title={title}
      note={note}
      count={lines.length}
      unit="line"
      part={part}
      beginning={startFolded ? 0 : kinds ? FOLDED_DIFF : FOLDED_LINES}
    >
      {(shown) => (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
        <pre class={`rc-pre${kinds ? " rc-diff" : ""}`} tabIndex={0}>
          {runs(lines.slice(0, shown), kinds).map(([text, kind], i) => (
            <span key={i} class={kind}>
              {text === "" ? "\n" : <Text>{text}</Text>}
            </span>
          ))}
        </pre>
      )}
    </Folds>
  );
}

/** The lines with their kinds, each by itself; of very many, consecutive ones of one kind together. */
function runs(lines: readonly string[], kinds: readonly string[] | null): [string, string | undefined][] {
  const found: [string, string | undefined][] = [];
  lines.forEach((line, i) => {
    const last = found.at(-1);
    if (lines.length > LONG && last && last[1] === kinds?.[i]) last[0] += `\n${line}`;
    else found.push([line, kinds?.[i]]);
  });
  return found;
}

interface FoldsProps {
  title: string;
  note?: string | undefined;
  count: number;
  unit: string;
  /** A part of it is missing here. */
  part: boolean;
  /** The number of units shown at first. */
  beginning: number;
  children: (shown: number) => ComponentChildren;
}

/** Shows the beginning, and all of it on request. */
function Folds({ title, note, count, unit, part, beginning, children }: FoldsProps) {
  // Folding one or two lines away saves nothing.
  const folds = count > beginning + (beginning === 0 ? 0 : 2);
  const [all, setAll] = useState(false);
  return (
    <div class="rc-context">
      <div class="rc-context-title">
        <span>
          {title}
          {(note || part) && (
            <span class={`rc-context-note${part ? " rc-tone-failed" : ""}`}>
              {note} {part && "so far"}
            </span>
          )}
        </span>
        {folds && (
          <Button class="rc-link-button" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? "Show less" : `Show ${part ? "" : "all "}${plural(count, unit)}`}
          </Button>
        )}
      </div>
      {(all || !folds || beginning > 0) && children(all || !folds ? count : beginning)}
    </div>
  );
}

/** True for a unified diff, or a text enough like one: a hunk header, or file headers. */
export function looksLikeDiff(text: string): boolean {
  return /^(@@ .*@@|diff --git |--- \S+.*\n\+\+\+ )/m.test(text);
}

const isAdded = (kind: string) => kind === "rc-diff-add";
const isRemoved = (kind: string) => kind === "rc-diff-del";

/** The kind of each line of a diff. Within a hunk, a line that looks like a file's header is a line of the file. */
export function diffKinds(lines: readonly string[]): string[] {
  let left = 0; // lines of the old file that the hunk still has
  let right = 0; // and of the new one
  return lines.map((line) => {
    const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (hunk) {
      left = Number(hunk[1] ?? 1);
      right = Number(hunk[2] ?? 1);
      return "rc-diff-hunk";
    }
    const inHunk = left > 0 || right > 0;
    if (line.startsWith("@@")) return "rc-diff-hunk";
    if (!inHunk && /^(diff |index |--- |\+\+\+ |new file|deleted file|rename |similarity )/.test(line))
      return "rc-diff-file";
    if (line.startsWith("+")) {
      right--;
      return "rc-diff-add";
    }
    if (line.startsWith("-")) {
      left--;
      return "rc-diff-del";
    }
    if (inHunk && !line.startsWith("\\")) {
      left--;
      right--;
    }
    return "";
  });
}

function changeClass(change: string): string {
  if (/^(\+|(add|create|new)\b)/i.test(change)) return "rc-change-add";
  return /^(-|(delete|remove)\b)/i.test(change) ? "rc-change-del" : "";
}
