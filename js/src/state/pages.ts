/** Rows on request: the wanted ones, the requested ones, and the place of each answer. */

import type { AskPage, FromKernel, LogQuery, Row, TableName, TaskStatus, ToKernel } from "../kernel/contract";
import type { Cancel, Env } from "../page/env";
import { CHUNK_ROWS, SparseRows } from "./tables";

export interface Query {
  table: AskPage["table"];
  status: TaskStatus | null;
  search: string | null;
  /** The order of tasks; none is that of arrival. */
  sort?: string | null;
  descending?: boolean;
  /** The keys of the rows of a tree whose parts are hidden, as JSON. */
  of?: string;
  /** Only these rows of a log. */
  query?: LogQuery;
}

/** Scrolling requests the visible rows when it rests, not all rows that it passed... */
const SETTLE_MS = 60;
/** ...and meanwhile now and then, so that something is visible. */
const MOVING_MS = 250;
/** A request not answered by then may be made again. */
const PATIENCE_MS = 4000;
const MAX_QUERIES = 4;

/** The rows that answer a query, by position. */
export class PagedRows extends SparseRows<Row> {
  /** True once the kernel has answered. */
  answered = false;
  readonly query: Query;
  /** The place of a row of an answer. */
  readonly place: (row: Row, position: number) => number;
  readonly fetchedAt = new Map<number, number>();

  constructor(query: Query, place: (row: Row, position: number) => number = (_, position) => position) {
    super();
    this.query = query;
    this.place = place;
  }
}

interface Target {
  rows: SparseRows<Row>;
  query: Query;
  place: (row: Row, position: number) => number;
  fetchedAt: Map<number, number>;
  /** True while even the number of rows is unknown. */
  blank: boolean;
}

export class Pages {
  readonly #env: Env;
  readonly #send: (message: ToKernel) => boolean;
  readonly #queries = new Map<string, PagedRows>();
  readonly #asked = new Map<string, { target: Target; chunk: number; at: number }>();
  /** The request that waits, and the time since there is one. */
  readonly #settle = new Map<SparseRows<Row>, { cancel: Cancel; since: number }>();
  /** The rows [from, to) that were wanted last. */
  readonly #wanted = new WeakMap<SparseRows<Row>, readonly [number, number]>();
  readonly #searched = new Map<Query["table"], { query: Query; id: string }>();
  readonly #logAges = new Map<TableName, Map<number, number>>();

  constructor(env: Env, send: (message: ToKernel) => boolean) {
    this.#env = env;
    this.#send = send;
  }

  /** The rows of a query; the same object for the same query. */
  query(query: Query): PagedRows {
    const { table, status, search, sort, descending, of, query: log } = query;
    const name = JSON.stringify([table, status, search, sort, descending, of, log]);
    const rows = this.#queries.get(name) ?? new PagedRows(query);
    this.#queries.delete(name);
    this.#queries.set(name, rows);
    for (const oldest of this.#queries.keys()) {
      if (this.#queries.size <= MAX_QUERIES) break;
      this.#queries.delete(oldest);
    }
    return rows;
  }

  /** Requests the rows [from, to) of a query that are missing here, or older than `maxAge` ms. */
  want(rows: PagedRows, from: number, to: number, maxAge = Number.POSITIVE_INFINITY): void {
    const { query, place, fetchedAt } = rows;
    this.#want({ rows, query, place, fetchedAt, blank: !rows.answered }, from, to, maxAge);
  }

  /** Requests the rows [from, to) of an append-only table that are missing here. */
  wantLog(table: TableName, rows: SparseRows<Row>, from: number, to: number): void {
    const ages = this.#logAges.get(table) ?? new Map<number, number>();
    this.#logAges.set(table, ages);
    const query = { table, status: null, search: null };
    const place = (row: Row) => Number(row.key);
    this.#want({ rows, query, place, fetchedAt: ages, blank: false }, from, to, Number.POSITIVE_INFINITY);
  }

  /** Takes an answer; false for one to another page. */
  receive(page: Extract<FromKernel, { kind: "page" }>): boolean {
    const asked = this.#asked.get(page.id);
    if (!asked) return false;
    this.#asked.delete(page.id);
    const { rows, place, fetchedAt } = asked.target;
    page.rows.forEach((row, i) => {
      rows.put(place(row, page.offset + i), row);
    });
    rows.total = page.total;
    fetchedAt.set(asked.chunk, this.#env.now());
    if (rows instanceof PagedRows) rows.answered = true;
    return true;
  }

  /** Forgets every request and every answer to a query. */
  clear(): void {
    this.#queries.clear();
    this.#asked.clear();
    this.#logAges.clear();
    for (const { cancel } of this.#settle.values()) cancel();
    this.#settle.clear();
  }

  #want(target: Target, from: number, to: number, maxAge: number): void {
    this.#wanted.set(target.rows, [from, to]);
    const now = this.#env.now();
    const waiting = this.#settle.get(target.rows);
    waiting?.cancel();
    const since = waiting?.since ?? now;
    const ask = () => {
      this.#settle.delete(target.rows);
      for (const chunk of this.#chunks(target, from, to, maxAge)) this.#ask(target, chunk);
    };
    const wait = target.blank ? 0 : Math.max(0, Math.min(SETTLE_MS, since + MOVING_MS - now));
    this.#settle.set(target.rows, { cancel: this.#env.later(wait, ask), since });
  }

  #chunks(target: Target, from: number, to: number, maxAge: number): number[] {
    if (target.blank) return [0];
    const chunks = new Set(target.rows.missing(from, to));
    const oldest = this.#env.now() - maxAge;
    for (let chunk = Math.floor(from / CHUNK_ROWS); chunk * CHUNK_ROWS < to; chunk++) {
      if ((target.fetchedAt.get(chunk) ?? Number.POSITIVE_INFINITY) < oldest) chunks.add(chunk);
    }
    return [...chunks];
  }

  #ask(target: Target, chunk: number): void {
    const now = this.#env.now();
    for (const [id, asked] of this.#asked) {
      if (now - asked.at >= PATIENCE_MS) this.#asked.delete(id);
      else if (asked.target.rows === target.rows && asked.chunk === chunk) return;
    }
    const id = this.#env.id();
    this.#asked.set(id, { target, chunk, at: now });
    const offset = chunk * CHUNK_ROWS;
    const of = target.query.query ? { instead: this.#replaced(target.query, id) } : {};
    const sent = this.#send({ kind: "page", id, offset, limit: CHUNK_ROWS, ...target.query, ...of });
    if (!sent) this.#asked.delete(id);
    else this.#env.later(PATIENCE_MS, () => this.#askAgain(id));
  }

  /** The id of the last request for another query of the same log, which needs no answer any more. */
  #replaced(query: Query, id: string): string {
    const last = this.#searched.get(query.table);
    this.#searched.set(query.table, { query, id });
    if (!last || last.query === query || !this.#asked.delete(last.id)) return "";
    return last.id;
  }

  /** Repeats a request that was lost, if its rows are still wanted: nothing else would. */
  #askAgain(id: string): void {
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    const { target, chunk } = asked;
    const [from, to] = this.#wanted.get(target.rows) ?? [0, 0];
    if (chunk * CHUNK_ROWS < to && (chunk + 1) * CHUNK_ROWS > from) this.#ask(target, chunk);
  }
}
