/** Rows in full, and pages of options: requested, assembled from their parts, requested again without an answer. */

import type {
  FromKernel,
  OptionRow,
  Row,
  TableName,
  TaskHistory,
  TaskRow,
  ToKernel,
  WriterRow,
} from "../kernel/contract";
import type { Cancel, Env } from "../page/env";

/** A request not answered by then was lost, or there were too many. */
const PATIENCE_MS = 6000;

/** A task as the kernel knows it. */
export interface KnownTask {
  row: TaskRow;
  history: TaskHistory;
}

/** The most rows of a group that are shown at once. */
const MEMBERS = 50;

interface Asked {
  request: ToKernel & { kind: "detail" | "page" | "task" };
  texts: string[];
  done: (answer: unknown) => void;
  cancel: Cancel;
}

export class Details {
  readonly #env: Env;
  readonly #send: (message: ToKernel) => boolean;
  readonly #asked = new Map<string, Asked>();
  /** The tables and keys of rows that were sent in full. */
  readonly #whole = new Set<string>();

  constructor(env: Env, send: (message: ToKernel) => boolean) {
    this.#env = env;
    this.#send = send;
  }

  /** Requests a row in full; null if there is none. */
  row(table: TableName, key: string, done: (row: Row | null) => void): Cancel {
    const request = { kind: "detail", id: "", table, key, part: 0 } as const;
    return this.#ask(request, (row) => {
      if (row) this.#whole.add(`${table} ${key}`);
      done(row as Row | null);
    });
  }

  /** Requests options of a question: from an offset on, or those with a text in their names. */
  options(key: string, offset: number, search: string, done: (options: OptionRow[]) => void): Cancel {
    const request = { kind: "page", id: "", table: "options", of: key, offset, limit: 50, search } as const;
    return this.#ask(request, (rows) => done((rows ?? []) as OptionRow[]));
  }

  /** Requests a task with its history, by its id; null if there is none. */
  task(id: string, done: (task: KnownTask | null) => void): Cancel {
    return this.#ask({ kind: "task", id: "", task: id }, (answer) => done(answer as KnownTask | null));
  }

  /** Requests the tasks with output whose names hold a text. */
  writers(search: string, done: (rows: WriterRow[]) => void): Cancel {
    const request = { kind: "page", id: "", table: "writers", offset: 0, limit: 50, search } as const;
    return this.#ask(request, (rows) => done((rows ?? []) as WriterRow[]));
  }

  /** Requests the newest rows of a group: errors of a kind, files of a folder or a task (`sort`). */
  members(table: TableName, of: string, sort: string | null, done: (rows: Row[]) => void): Cancel {
    const request = { kind: "page", id: "", table, of, sort, offset: 0, limit: MEMBERS } as const;
    return this.#ask(request, (rows) => done((rows ?? []) as Row[]));
  }

  /** Requests the number of events of each type. */
  types(done: (types: Record<string, number>) => void): Cancel {
    const request = { kind: "page", id: "", table: "events", offset: 0, limit: 0, query: {} } as const;
    return this.#ask(request, (types) => done((types ?? {}) as Record<string, number>));
  }

  isWhole(table: TableName, row: Row): boolean {
    return !row.cut || this.#whole.has(`${table} ${row.key}`);
  }

  receive(message: Extract<FromKernel, { kind: "detail" | "page" | "task" | "answer" }>): void {
    const asked = this.#asked.get(message.id);
    if (!asked) return;
    this.#end(message.id);
    if (message.kind === "detail" && message.parts) {
      asked.texts[message.part ?? 0] = message.text ?? "";
      // A row that changed meanwhile may have another number of parts: the assembled text is then no JSON, and the
      // request begins anew.
      for (let part = 0; part < message.parts; part++) {
        if (asked.texts[part] !== undefined) continue;
        this.#start({ ...asked, request: { ...asked.request, part } as never });
        return;
      }
      try {
        asked.done(JSON.parse(asked.texts.slice(0, message.parts).join("")));
      } catch {
        this.#start({ ...asked, texts: [], request: { ...asked.request, part: 0 } as never });
      }
    } else if (message.kind === "task") asked.done(message.row && { row: message.row, history: message.history });
    else
      asked.done(
        message.kind === "page" ? (message.types ?? message.rows) : message.kind === "detail" ? message.row : null,
      );
  }

  #ask(request: Asked["request"], done: Asked["done"]): Cancel {
    let over = false;
    const asked: Asked = { request, texts: [], cancel: () => {}, done: (answer) => over || done(answer) };
    this.#start(asked);
    return () => {
      over = true;
      for (const [id, other] of this.#asked) if (other.done === asked.done) this.#end(id);
    };
  }

  #start(asked: Asked): void {
    const id = this.#env.id();
    const cancel = this.#env.later(PATIENCE_MS, () => {
      this.#asked.delete(id);
      this.#start(asked);
    });
    this.#asked.set(id, { ...asked, cancel });
    if (!this.#send({ ...asked.request, id })) this.#end(id);
  }

  #end(id: string): void {
    this.#asked.get(id)?.cancel();
    this.#asked.delete(id);
  }

  /** Forgets the full rows: another run is shown. */
  forget(): void {
    this.#whole.clear();
  }

  clear(): void {
    for (const id of [...this.#asked.keys()]) this.#end(id);
  }
}
