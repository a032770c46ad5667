/** The text of the output, piece by piece from the kernel. */

import type { FromKernel, LogQuery, OutputRow, ToKernel } from "../kernel/contract";
import type { Cancel, Env } from "../page/env";
import { plain } from "../ui/ansi";
import { plural } from "../ui/format";

/** A piece not here by then was lost: it is requested again. */
const PATIENCE_MS = 10_000;

export interface TextRequest {
  query: LogQuery;
  /** Lines [from, to) of those of the query; all of them without. */
  from?: number;
  to?: number;
  stamped?: boolean;
}

interface Running {
  request: TextRequest;
  parts: string[];
  at: number;
  total: number;
  id: string;
  lost: Cancel;
  done: (parts: string[]) => void;
  failed: (problem: Error) => void;
}

export class LogText {
  readonly #env: Env;
  readonly #send: (message: ToKernel) => boolean;
  readonly #changed: () => void;
  #running: Running | null = null;

  constructor(env: Env, send: (message: ToKernel) => boolean, changed: () => void) {
    this.#env = env;
    this.#send = send;
    this.#changed = changed;
  }

  /** The share that is here, 0 to 1; null while nothing is collected. */
  get progress(): number | null {
    const running = this.#running;
    if (!running) return null;
    const { from = 0 } = running.request;
    return running.total > from ? (running.at - from) / (running.total - from) : 0;
  }

  /** Collects the text; rejects when it is cancelled, refused or replaced by another. */
  collect(request: TextRequest): Promise<string[]> {
    this.cancel();
    return new Promise((done, failed) => {
      const at = request.from ?? 0;
      this.#running = { request, parts: [], at, total: at, id: "", lost: () => {}, done, failed };
      this.#ask();
    });
  }

  /** Ends it for good. */
  stop(): void {
    this.cancel();
  }

  cancel(): void {
    this.#end()?.failed(new Error("cancelled"));
  }

  receive(message: FromKernel): void {
    const running = this.#running;
    if (!running || !("id" in message) || message.id !== running.id) return;
    if (message.kind === "answer") this.#end()?.failed(new Error(message.error ?? ""));
    if (message.kind !== "text") return;
    // Lines that are written meanwhile do not count: the text ends where the log ended at the beginning.
    if (running.parts.length === 0) running.total = Math.min(running.request.to ?? message.total, message.total);
    const over = message.next - running.total;
    running.parts.push(over > 0 ? withoutLast(message.text, over) : message.text);
    running.at = Math.min(message.next, running.total);
    if (running.at < running.total) this.#ask();
    else this.#end()?.done(running.parts);
    this.#changed();
  }

  #ask(): void {
    const running = this.#running;
    if (!running) return;
    running.lost();
    running.id = this.#env.id();
    running.lost = this.#env.later(PATIENCE_MS, () => this.#ask());
    const { query, stamped = false } = running.request;
    const sent = this.#send({ kind: "text", id: running.id, query, offset: running.at, stamped });
    if (!sent) this.#end()?.failed(new Error("the kernel is gone"));
    this.#changed();
  }

  #end(): Running | null {
    const running = this.#running;
    if (!running) return null;
    running.lost();
    this.#running = null;
    this.#changed();
    return running;
  }
}

function withoutLast(text: string, lines: number): string {
  return text
    .split("\n")
    .slice(0, -1 - lines)
    .join("\n")
    .concat("\n");
}

/** Lines as text, with a mark for each gap between them; of the whole log, with its number of lines, also at the ends. */
export function textWithGaps(rows: readonly OutputRow[], total: number | null): string {
  let next = total === null ? Number(rows[0]?.key ?? 0) : 0;
  const gap = (to: number) => (to > next ? [`… ${plural(to - next, "line")} missing here …`] : []);
  const lines = rows.flatMap((row) => {
    const before = gap(Number(row.key));
    next = Number(row.key) + 1;
    return [...before, plain(row.text)];
  });
  return [...lines, ...gap(total ?? next)].map((line) => `${line}\n`).join("");
}
