/** Answers to the panel's requests, from the data of the file. */
import type {
  AskMatch,
  AskPage,
  AskText,
  AskTimeline,
  CheckpointRow,
  EventRow,
  FromKernel,
  LogQuery,
  OptionRow,
  OutputRow,
  Page,
  Row,
  TableName,
  TaskRow,
  TimelineWindow,
  ToKernel,
  WriterRow,
} from "../kernel/contract";
import { plain } from "../ui/ansi";
import type { RunData } from "./data";
import type { RunAt } from "./run";
import { chosenTasks, historyOf } from "./tasks";

const OPTIONS = 50;
const PIECE = 100_000;
const ERROR = /\b(error|exception|traceback|fatal|panic|panicked|critical|failed|failure)\b/i;
const NO_ERROR = /\b(0|no|without) (error|exception|failed|failure)/i;
const HEARTBEAT = /(^|[._-])(heart_?beat|keep_?alive|ping|pong)s?$/i;
const REFUSAL = "This is a file: nobody receives what is sent here.";

export class Answers {
  readonly #data: RunData;
  readonly #run: RunAt;

  constructor(data: RunData, run: RunAt) {
    this.#data = data;
    this.#run = run;
  }

  /** The answer to a request; a refusal where the file has none. */
  to(message: ToKernel): FromKernel {
    switch (message.kind) {
      case "page":
        return this.#page(message);
      case "detail": {
        const { id, table, key } = message;
        return { kind: "detail", id, table, key, row: this.#whole(table, key) };
      }
      case "match":
        return this.#match(message);
      case "text":
        return this.#text(message);
      case "task": {
        const row = (this.#run.rows("tasks") as TaskRow[]).find(({ id }) => id === message.task);
        const whole = row ? (this.#whole("tasks", row.key) as TaskRow) : null;
        return { kind: "task", id: message.id, row: whole, history: whole && historyOf(this.#run, whole) };
      }
      case "timeline":
        return { kind: "timeline", id: message.id, window: this.#window(message) };
      default:
        return { kind: "answer", id: "id" in message ? message.id : "", ok: false, error: REFUSAL };
    }
  }

  #whole(table: TableName, key: string): Row | null {
    const row = this.#run.row(table, key);
    const whole = row && this.#data.whole[table]?.[key];
    // An uncut row is of the end; before that only what is cut in both is taken from it.
    return whole && this.#run.isAtEnd ? whole : row;
  }

  #page(message: AskPage): FromKernel {
    const { id, table, offset = 0, limit = 100, query } = message;
    const answer = (rows: readonly Row[], total: number): Page => {
      return { kind: "page", id, table, offset, total, rows: [...rows] };
    };
    if (table === "options") {
      const options = this.#options(message);
      return answer(options.slice(offset, offset + OPTIONS) as unknown as Row[], options.length);
    }
    if (table === "writers") {
      const writers = this.#writers(message.search ?? "");
      return answer(writers.slice(offset, offset + limit), writers.length);
    }
    // The panel makes these groups itself: a picture of a file has all their rows.
    if (table === "error_groups" || table === "artifact_groups") return answer([], 0);
    if (query) return this.#found(message, query, table);
    const rows = this.#run.rows(table);
    const chosen = table === "tasks" ? chosenTasks(rows as TaskRow[], message, this.#run.moment.now) : rows;
    return answer(chosen.slice(offset, offset + limit), chosen.length);
  }

  #found(message: AskPage, query: LogQuery, table: TableName): FromKernel {
    const { id, offset = 0, limit = 100 } = message;
    const rows = this.#chosen(table, query);
    const types: Record<string, number> = {};
    if (table === "events")
      for (const row of this.#chosen(table, { ...query, types: [] }) as EventRow[])
        types[row.type] = (types[row.type] ?? 0) + 1;
    return { kind: "page", id, table, offset, total: rows.length, rows: rows.slice(offset, offset + limit), types };
  }

  #options({ of = "", search }: AskPage): OptionRow[] {
    const row = this.#whole("checkpoints", of) as CheckpointRow | null;
    const wanted = (search ?? "").toLowerCase();
    return (row?.options ?? []).filter(({ id, label }) => `${id} ${label}`.toLowerCase().includes(wanted));
  }

  #writers(search: string): WriterRow[] {
    const labels = new Map<string, string>();
    for (const row of this.#run.rows("output") as OutputRow[]) if (row.task) labels.set(row.task, labelOf(row));
    const wanted = search.toLowerCase();
    return [...labels]
      .map(([key, label]) => ({ key, label }))
      .filter(({ label }) => label.toLowerCase().includes(wanted));
  }

  /** The rows of the output or the events that a query chooses, in order. */
  #chosen(table: TableName, query: LogQuery): Row[] {
    const rows = this.#run.rows(table);
    const matches = textMatcher(query.text ?? "", query.regex ?? false);
    if (table === "events") {
      return (rows as EventRow[]).filter(
        ({ type, task, payload }) =>
          (query.types?.length ? query.types.includes(type) : query.heartbeats || !HEARTBEAT.test(type)) &&
          (matches(type) || matches(task ?? "") || matches(payload)),
      );
    }
    const task = (query.task ?? "").toLowerCase();
    const lines = (rows as OutputRow[]).filter(
      (row) =>
        (!query.stream || row.stream === query.stream) &&
        (!task || labelOf(row).toLowerCase().includes(task)) &&
        matches(plain(row.text)),
    );
    return query.errors ? firstErrors(lines) : lines;
  }

  #match({ id, shown, text = "", regex = false, errors = false, near = 0, step = 0 }: AskMatch): FromKernel {
    const lines = this.#chosen("output", shown).map(({ key }) => Number(key));
    const found = this.#chosen("output", { ...shown, text, regex, errors }).map(({ key }) => Number(key));
    const after = step > 0 ? found.find((line) => line > near) : found.find((line) => line >= near);
    const chosen = step < 0 ? (found.findLast((line) => line < near) ?? found.at(-1)) : (after ?? found[0]);
    return {
      kind: "match",
      id,
      line: chosen ?? null,
      place: chosen === undefined ? 0 : lines.indexOf(chosen),
      ordinal: chosen === undefined ? 0 : found.indexOf(chosen),
      matches: found.length,
      shown: lines.length,
    };
  }

  #text({ id, query, offset = 0, stamped = false }: AskText): FromKernel {
    const rows = this.#chosen("output", query) as OutputRow[];
    let [next, text] = [offset, ""];
    for (; next < rows.length && text.length < PIECE; next++) {
      const row = rows[next] as OutputRow;
      const stamp = stamped ? `${row.at === null ? "" : new Date(row.at).toISOString()} ${row.task ?? ""} ` : "";
      text += `${stamp}${plain(row.text)}\n`;
    }
    return { kind: "text", id, text, next, total: rows.length };
  }

  /** The window of the whole run, with the asked time where its bars are there. */
  #window({ by = "worker", start, stop, first = 0 }: AskTimeline): TimelineWindow {
    const pages = this.#data.timeline[by];
    const page = pages.findLast((one) => one.first <= first) ?? (pages[0] as TimelineWindow);
    if (page.dense || start == null || stop == null) return page;
    const [from, to] = [Math.round(start - page.origin), Math.round(stop - page.origin)];
    const bars = page.bars.filter((bar) => bar.start < to && (bar.end ?? page.until) > from);
    return { ...page, start: from, stop: to, bars };
  }
}

const labelOf = ({ task, name }: OutputRow) => (name && task ? `${name} (${task})` : (task ?? ""));

function textMatcher(text: string, regex: boolean): (line: string) => boolean {
  if (!text) return () => true;
  if (regex) {
    try {
      const pattern = new RegExp(text, "i");
      return (line) => pattern.test(line);
    } catch {
      return () => false; // the panel says that a pattern is wrong
    }
  }
  const wanted = text.toLowerCase();
  return (line) => line.toLowerCase().includes(wanted);
}

/** Of neighboring lines that look like errors the first. */
function firstErrors(lines: readonly OutputRow[]): OutputRow[] {
  const isBad = ({ stream, text }: OutputRow) => stream === "stderr" || (ERROR.test(text) && !NO_ERROR.test(text));
  return lines.filter((row, index) => isBad(row) && !(index > 0 && isBad(lines[index - 1] as OutputRow)));
}
