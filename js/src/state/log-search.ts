/** Search in the whole output: questions to the kernel, the newest at a time; without one, in the lines that are here. */

import type { FromKernel, LogQuery, MatchFound, OutputRow, ToKernel } from "../kernel/contract";
import type { Cancel, Env } from "../page/env";
import { plain } from "../ui/ansi";
import type { RowSource } from "./tables";

/** The wanted lines among the shown ones. */
export type Wanted = Pick<LogQuery, "text" | "regex" | "errors">;

export type Found = Omit<MatchFound, "kind" | "id">;

/** A question not answered by then was lost. */
const PATIENCE_MS = 10_000;

export class LogSearch {
  found: Found | null = null;
  error: string | null = null;
  busy = false;
  readonly #env: Env;
  readonly #send: (message: ToKernel) => boolean;
  readonly #changed: () => void;
  #id = "";
  #done: (found: Found) => void = () => {};
  #lost: Cancel = () => {};

  constructor(env: Env, send: (message: ToKernel) => boolean, changed: () => void) {
    this.#env = env;
    this.#send = send;
    this.#changed = changed;
  }

  /** Looks for a match near a line, in place of any earlier question; `done` is called with what was found. */
  ask(shown: LogQuery, wanted: Wanted, near: number, step: number, done: (found: Found) => void = () => {}): void {
    const id = this.#env.id();
    const instead = this.busy ? this.#id : "";
    this.#lost();
    this.#lost = this.#env.later(PATIENCE_MS, () => this.ask(shown, wanted, near, step, done));
    this.busy = true;
    this.#id = id;
    this.#done = done;
    if (!this.#send({ kind: "match", id, shown, ...wanted, near, step, instead })) this.stop();
    this.#changed();
  }

  /** Forgets the question and what was found. */
  stop(): void {
    this.#lost();
    this.#id = "";
    this.busy = false;
    this.found = this.error = null;
  }

  /** Takes the answer to the newest question. */
  receive(message: FromKernel): void {
    if (!this.busy || !("id" in message) || message.id !== this.#id) return;
    this.#lost();
    this.busy = false;
    if (message.kind === "match") {
      this.found = message;
      this.error = null;
      this.#done(message);
    } else if (message.kind === "answer") {
      this.found = null;
      this.error = message.error;
    }
    this.#changed();
  }
}

/** Looks for a match among the lines that are here, as the kernel does. */
export function findHere(rows: RowSource<OutputRow>, wanted: Wanted, near: number, step: number): Found {
  const ranges = finder(wanted);
  const places = Array.from({ length: rows.total }, (_, i) => i).filter((i) => {
    const row = rows.at(i);
    if (!row) return false;
    return wanted.errors ? row.stream === "stderr" || ERROR.test(plain(row.text)) : ranges(plain(row.text)).length > 0;
  });
  const numberAt = (place: number | undefined) => Number(rows.at(place ?? 0)?.key);
  const last = places.length - 1;
  const after = places.findIndex((place) => numberAt(place) >= near + (step > 0 ? 1 : 0));
  const before = places.filter((place) => numberAt(place) < near).length - 1;
  const forward = after < 0 ? (step > 0 ? 0 : last) : after;
  const ordinal = Math.max(0, step < 0 ? (before < 0 ? last : before) : forward);
  const place = places[ordinal];
  const line = place === undefined ? null : numberAt(place);
  return { line, place: place ?? 0, ordinal, matches: places.length, shown: rows.total };
}

const ERROR = /\b(error|exception|traceback|fatal|panic|critical|failed)\b/i;
/** Longer lines are not searched for a pattern here. */
const LONG = 2000;
/** A pattern with a repeated group, or many repetitions, may take the browser for ever; the kernel's may not. */
const COSTLY = /\)[*+?{]|(?:[*+{].*){3}/;

export type Finder = (text: string) => readonly (readonly [from: number, to: number])[];

/** Returns a function that returns the places of a text in a line. */
export function finder({ text = "", regex = false }: Wanted): Finder {
  const pattern = patternOf(text, regex);
  if (!pattern) return () => [];
  return (line) => {
    if (regex && line.length > LONG) return [];
    const found: [number, number][] = [];
    for (const { 0: part, index } of line.matchAll(pattern)) if (part) found.push([index, index + part.length]);
    return found;
  };
}

function patternOf(text: string, regex: boolean): RegExp | null {
  if (text === "" || (regex && COSTLY.test(text))) return null;
  try {
    return new RegExp(regex ? text : text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu");
  } catch {
    return null; // the kernel knows other patterns
  }
}
