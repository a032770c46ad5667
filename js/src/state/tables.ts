/** The rows of one table in the browser. Only the store writes them. */
import type { Row, Table, TablePatch } from "../kernel/contract";

/** Rows by position, any of which may be missing yet: the input of a scrolling view. */
export interface RowSource<R extends Row> {
  /** Rows that exist in the kernel (of the query, if it is one). */
  readonly total: number;
  at(index: number): R | undefined;
}

/** A table in the browser. Only the store writes it. */
export interface HeldTable<R extends Row> extends RowSource<R> {
  replace(table: Table<R>): void;
  /** `source`: a table of the same rows, whose changes are sent there only. */
  patch(patch: TablePatch<R>, source?: KeyedRows<R>): void;
}

/** A table whose rows change: phases, waves, tasks, active tasks, checkpoints. */
export class KeyedRows<R extends Row> implements HeldTable<R> {
  total = 0;
  #rows = new Map<string, R>();
  #list: readonly R[] | null = null;

  /** The rows in order. The same array until something changes. */
  get rows(): readonly R[] {
    this.#list ??= [...this.#rows.values()];
    return this.#list;
  }

  at(index: number): R | undefined {
    return this.rows[index];
  }

  get(key: string): R | undefined {
    return this.#rows.get(key);
  }

  replace(table: Table<R>): void {
    const old = this.#rows;
    this.#rows = new Map(table.rows.map((row) => [row.key, keep(old.get(row.key), row)]));
    this.total = table.total;
    this.#list = null;
  }

  patch(patch: TablePatch<R>, source?: KeyedRows<R>): void {
    for (const row of patch.set ?? []) this.#rows.set(row.key, keep(this.#rows.get(row.key), row));
    if (patch.order) {
      const old = this.#rows;
      this.#rows = new Map();
      for (const key of patch.order) {
        const row = old.get(key) ?? source?.get(key);
        if (row) this.#rows.set(key, row);
      }
    }
    for (const [key, row] of this.#rows) this.#rows.set(key, source?.get(key) ?? row);
    this.total = patch.total ?? Math.max(this.total, this.#rows.size);
    this.#list = null;
  }
}

const CHUNK = 100;
/** 30,000 rows: enough to scroll back smoothly, few enough for memory. */
const MAX_CHUNKS = 300;

/** Rows by number, in chunks; the chunks read longest ago are forgotten. */
export class SparseRows<R extends Row> implements RowSource<R> {
  total = 0;
  /** Changes with each row: the memo key of a view of derived rows. */
  generation = 0;
  #chunks = new Map<number, (R | undefined)[]>();

  at(index: number): R | undefined {
    return this.#chunks.get(Math.floor(index / CHUNK))?.[index % CHUNK];
  }

  put(index: number, row: R): void {
    const number = Math.floor(index / CHUNK);
    const chunk = this.#chunks.get(number) ?? [];
    chunk[index % CHUNK] = keep(chunk[index % CHUNK], row);
    // Insertion order of the map is the order of last use.
    this.#chunks.delete(number);
    this.#chunks.set(number, chunk);
    this.total = Math.max(this.total, index + 1);
    this.generation++;
    this.#forget();
  }

  /** Forgets the chunk that holds `index`. */
  drop(index: number): void {
    this.#chunks.delete(Math.floor(index / CHUNK));
    this.generation++;
  }

  clear(): void {
    this.#chunks.clear();
    this.total = 0;
    this.generation++;
  }

  /** Every row that is here, by number. */
  loaded(): { index: number; row: R }[] {
    const found: { index: number; row: R }[] = [];
    for (const number of [...this.#chunks.keys()].sort((a, b) => a - b)) {
      this.#chunks.get(number)?.forEach((row, at) => {
        if (row) found.push({ index: number * CHUNK + at, row });
      });
    }
    return found;
  }

  /** The newest rows without a hole between them, at most `count`, oldest first. */
  tail(count: number): R[] {
    const rows: R[] = [];
    for (let index = this.total - 1; index >= 0 && rows.length < count; index--) {
      const row = this.at(index);
      if (!row) break;
      rows.push(row);
    }
    return rows.reverse();
  }

  /** Numbers of the chunks that hold [from, to) and lack a row of it. */
  missing(from: number, to: number): number[] {
    const end = Math.min(to, this.total);
    const numbers: number[] = [];
    for (let index = Math.max(0, from); index < end; index++) {
      if (this.at(index)) continue;
      const number = Math.floor(index / CHUNK);
      numbers.push(number);
      index = (number + 1) * CHUNK - 1;
    }
    return numbers;
  }

  #forget(): void {
    if (this.#chunks.size <= MAX_CHUNKS) return;
    const newest = Math.floor((this.total - 1) / CHUNK);
    for (const number of this.#chunks.keys()) {
      if (this.#chunks.size <= MAX_CHUNKS) return;
      if (number < newest - 1) this.#chunks.delete(number);
    }
  }
}

export const CHUNK_ROWS = CHUNK;

/** An append-only table: a row's key is its number. */
export class LogRows<R extends Row> extends SparseRows<R> implements HeldTable<R> {
  replace(table: Table<R>): void {
    const old = new Map(table.rows.map((row) => [row.key, this.at(Number(row.key))]));
    this.clear();
    this.total = table.total;
    for (const row of table.rows) this.put(Number(row.key), keep(old.get(row.key), row));
  }

  patch(patch: TablePatch<R>): void {
    const before = this.total;
    const set = patch.set ?? [];
    const first = Math.min(...set.map((row) => Number(row.key)).filter((number) => number >= before));
    // A hole: the last rows before it were still open when we saw them, and their further changes were skipped.
    if (first > before && Number.isFinite(first) && before > 0) this.drop(before - 1);
    for (const row of set) this.put(Number(row.key), row);
    this.total = patch.total ?? this.total;
  }
}

/** The old object when nothing in it changed, so that a view may compare by identity. */
export function keep<T>(old: T | undefined, fresh: T): T {
  return old !== undefined && same(old, fresh) ? old : fresh;
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const left = Object.entries(a);
  if (left.length !== Object.keys(b).length) return false;
  return left.every(([name, value]) => same(value, (b as Record<string, unknown>)[name]));
}
