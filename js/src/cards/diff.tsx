/** A unified diff, file by file: every line with its numbers, or both sides beside each other. */
import { useState } from "preact/hooks";
import { Button } from "../ui/button";
import { count, plural } from "../ui/format";
import { Icon } from "../ui/icons";

export type Kind = "add" | "del" | "hunk" | "file" | "";

export interface DiffLine {
  kind: Kind;
  text: string;
  /** Its number in the old and the new file. */
  old: number | null;
  new: number | null;
}

export interface DiffFile {
  path: string;
  added: number;
  removed: number;
  lines: readonly DiffLine[];
}

/** Lines of a file that are drawn at first. */
const MOST_LINES = 2000;

/** True for a unified diff, or a text enough like one: a hunk header, or file headers. */
export function looksLikeDiff(text: string): boolean {
  return /^(@@ .*@@|diff --git |--- \S+.*\n\+\+\+ )/m.test(text);
}

export function Diff({ text }: { text: string }) {
  const [beside, setBeside] = useState(false);
  const files = filesOf(text);
  return (
    <div class="rc-diff">
      <div class="rc-diff-bar">
        <span>
          {plural(files.length, "file")} <Counts of={files} />
        </span>
        <Button class="rc-link-button rc-diff-beside" aria-pressed={beside} onClick={() => setBeside(!beside)}>
          {beside ? "Unified" : "Side by side"}
        </Button>
      </div>
      {files.map((file, i) => (
        <File key={i} file={file} beside={beside} />
      ))}
    </div>
  );
}

function Counts({ of }: { of: readonly DiffFile[] }) {
  const sum = (name: "added" | "removed") => of.reduce((total, file) => total + file[name], 0);
  return (
    <span class="rc-diff-counts">
      <strong class="rc-tone-completed">+{count(sum("added"))}</strong>{" "}
      <strong class="rc-tone-failed">−{count(sum("removed"))}</strong>
    </span>
  );
}

function File({ file, beside }: { file: DiffFile; beside: boolean }) {
  const [open, setOpen] = useState(true);
  const [all, setAll] = useState(false);
  const lines = all ? file.lines : file.lines.slice(0, MOST_LINES);
  return (
    <section class="rc-diff-file-box">
      <Button class="rc-diff-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="chevron" />
        <span class="rc-clip">{file.path}</span>
        <Counts of={[file]} />
      </Button>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
        <div class="rc-diff-lines" tabIndex={0} role="group" aria-label={`Changes of ${file.path}`}>
          {beside
            ? pairs(lines).map((pair, i) => <Pair key={i} pair={pair} />)
            : runsOf(lines).map((run, i) => <Run key={i} lines={run} />)}
        </div>
      )}
      {open && lines.length < file.lines.length && (
        <Button class="rc-link-button" onClick={() => setAll(true)}>
          Show all {plural(file.lines.length, "line")}
        </Button>
      )}
    </section>
  );
}

/** Consecutive lines of one kind in one element: a long diff has few. */
function Run({ lines }: { lines: readonly DiffLine[] }) {
  const numbers = (name: "old" | "new") => lines.map((line) => line[name] ?? "").join("\n");
  return (
    <div class={`rc-diff-line rc-diff-${lines[0]?.kind}`}>
      <i data-n={numbers("old")} />
      <i data-n={numbers("new")} />
      <span>{lines.map(({ text }) => text).join("\n")}</span>
    </div>
  );
}

export function runsOf(lines: readonly DiffLine[]): DiffLine[][] {
  const runs: DiffLine[][] = [];
  for (const line of lines) {
    const run = runs.at(-1);
    if (run && run[0]?.kind === line.kind) run.push(line);
    else runs.push([line]);
  }
  return runs;
}

type Side = DiffLine | null;

function Pair({ pair: [left, right] }: { pair: readonly [Side, Side] }) {
  return (
    <div class="rc-diff-pair">
      <Half line={left} number={left?.old ?? null} />
      <Half line={right} number={right?.new ?? null} />
    </div>
  );
}

function Half({ line, number }: { line: Side; number: number | null }) {
  return (
    <div class={`rc-diff-line rc-diff-half rc-diff-${line?.kind ?? "none"}`}>
      <i data-n={number ?? ""} />
      <span>{line?.text ?? ""}</span>
    </div>
  );
}

/** Removed lines beside the added ones that follow them; all others on both sides. */
export function pairs(lines: readonly DiffLine[]): (readonly [Side, Side])[] {
  const found: (readonly [Side, Side])[] = [];
  for (let at = 0; at < lines.length; ) {
    const removed = taken(lines, at, "del");
    const added = taken(lines, at + removed.length, "add");
    for (let i = 0; i < Math.max(removed.length, added.length); i++) found.push([removed[i] ?? null, added[i] ?? null]);
    at += removed.length + added.length;
    if (removed.length + added.length > 0) continue;
    const line = lines[at++] ?? null;
    found.push([line, line]);
  }
  return found;
}

function taken(lines: readonly DiffLine[], at: number, kind: Kind): readonly DiffLine[] {
  const end = lines.findIndex((line, i) => i >= at && line.kind !== kind);
  return lines.slice(at, end < 0 ? undefined : end);
}

/** The files of a diff. Within a hunk, a line that looks like a file's header is a line of the file. */
export function filesOf(text: string): DiffFile[] {
  const files: { path: string; lines: DiffLine[] }[] = [];
  let left = 0; // lines of the old file that the hunk still has
  let right = 0; // and of the new one
  let [before, after] = [1, 1];
  let named = false; // the newest file has its name, and no hunk yet
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    const inHunk = left > 0 || right > 0;
    const header = !inHunk && HEADER.test(line);
    if (header || files.length === 0) {
      if (files.length === 0 || (!named && header)) files.push({ path: "", lines: [] });
      named = header;
    }
    const file = files.at(-1);
    if (!file) continue;
    if (header) file.path = pathOf(line) ?? file.path;
    if (hunk) {
      [left, right] = [Number(hunk[2] ?? 1), Number(hunk[4] ?? 1)];
      [before, after] = [Number(hunk[1]), Number(hunk[3])];
      named = false;
    }
    const kind = hunk || line.startsWith("@@") ? "hunk" : header ? "file" : kindOf(line);
    const isOld = kind === "del" || (kind === "" && inHunk && !line.startsWith("\\"));
    const isNew = kind === "add" || (kind === "" && inHunk && !line.startsWith("\\"));
    file.lines.push({ kind, text: line, old: isOld && inHunk ? before : null, new: isNew && inHunk ? after : null });
    if (isOld) [left, before] = [left - 1, before + 1];
    if (isNew) [right, after] = [right - 1, after + 1];
  }
  return files.map(({ path, lines }) => ({
    path: path || "Changes",
    added: lines.filter(({ kind }) => kind === "add").length,
    removed: lines.filter(({ kind }) => kind === "del").length,
    lines,
  }));
}

const HEADER = /^(diff |index |--- |\+\+\+ |new file|deleted file|old mode|new mode|rename |similarity |Binary files )/;

function kindOf(line: string): Kind {
  return line.startsWith("+") ? "add" : line.startsWith("-") ? "del" : "";
}

/** The path that a file's header names. */
function pathOf(header: string): string | null {
  const git = /^diff --git a\/.* b\/(.*)$/.exec(header)?.[1];
  if (git) return git;
  const path = /^(?:---|\+\+\+) (?:[ab]\/)?([^\t]+)/.exec(header)?.[1];
  return path && path !== "/dev/null" ? path : null;
}
