/** The data of a run in a file, as `runconsole.onefile` in Python writes it. */
import type { Head, LaneKind, Row, TableName, KeyedName as TablesOfRun, TimelineWindow } from "../kernel/contract";

export type KeyedName = Exclude<TablesOfRun, "active">;
export type GrowingName = Exclude<TableName, TablesOfRun>;

/** The changes of a table since the moment before. */
export interface Change {
  set?: Row[];
  /** All keys in order, where others than new ones at the end changed. */
  order?: string[];
}

export type Moment = { [T in KeyedName]?: Change } & {
  /** Seconds after the beginning. */
  position_s: number;
  /** The run's time, epoch milliseconds. */
  now: number;
  head: Partial<Head>;
  active?: string[];
  /** Numbers of rows. */
  totals: Record<GrowingName, number>;
};

export interface RunData {
  format: 1;
  /** The time of writing, epoch milliseconds. */
  made: number;
  duration_s: number;
  moments: Moment[];
  /** The seconds and kinds of what happened. */
  marks: NonNullable<Head["replay_marks"]>;
  /** The rows of the tables that only grow; a moment has the first `totals` of them. */
  growing: Record<GrowingName, Row[]>;
  /** Uncut rows, by table and key. */
  whole: Partial<Record<TableName, Record<string, Row>>>;
  /** Windows of the whole run, page by page. */
  timeline: Record<LaneKind, TimelineWindow[]>;
  /** Parts of the run that are not all there, in words. */
  left_out: string[];
}

/** Reads the data out of its base64 text. */
export async function unpack(text: string): Promise<RunData> {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text()) as RunData;
}
