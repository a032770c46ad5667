/** The errors of the run by their kind, or each; an unfolded one shows its stack trace. */

import { useState } from "preact/hooks";
import type { ErrorGroupRow, ErrorOutcome, ErrorRow } from "../kernel/contract";
import { useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import { count, plural } from "../ui/format";
import { Text } from "../ui/icons";
import { DataTable } from "../ui/table";
import { attemptText, ERRORS, KINDS, Outcome, Time } from "./columns";
import { FilterChip } from "./filter-chip";
import { useGroups, useMembers } from "./groups";
import { logSource } from "./row-sources";
import { Saved } from "./saved";
import { TaskLink } from "./task-link";

export function Errors() {
  const store = useStore("errors", "head", "pages", "attachment");
  const [each, setEach] = useState(false);
  const source = logSource(store, "errors");
  const kinds = useGroups(store, "errors", null, kindsOf);
  const total = store.tables.errors.total;
  return (
    <>
      {total > 0 && (
        <div class="rc-toolbar">
          <div class="rc-chips" role="group" aria-label="Errors shown">
            <FilterChip name="by kind" number={kinds.rows.total} pressed={!each} press={() => setEach(false)} />
            <FilterChip name="each" number={total} pressed={each} press={() => setEach(true)} />
          </div>
          <span class="rc-note rc-toolbar-note">
            <Tally fatal={store.head?.errors_fatal ?? 0} open={store.head?.errors_open ?? 0} total={total} />
          </span>
        </div>
      )}
      <Saved absent={source.absent} here={source.rows.total} />
      {each ? (
        <DataTable
          key="each"
          name="Errors"
          fills
          columns={ERRORS}
          rows={source.rows}
          reversed
          detail={errorDetail}
          label={errorLabel}
          onSeen={source.want}
        />
      ) : (
        <DataTable
          key="kinds"
          name="Errors"
          fills
          empty="No errors."
          columns={KINDS}
          rows={kinds.rows}
          detail={kindDetail}
          label={kindLabel}
          onSeen={kinds.want}
        />
      )}
    </>
  );
}

/** "2 fatal, 10 recovered": what became of errors. */
function Tally({ fatal, open, total }: { fatal: number; open: number; total: number }) {
  const recovered = total - fatal - open;
  return (
    <>
      {fatal > 0 && <span class="rc-tone-failed">{count(fatal)} fatal </span>}
      {open > 0 && <span class="rc-tone-paused">{count(open)} open </span>}
      {recovered > 0 && <span>{count(recovered)} recovered</span>}
    </>
  );
}

/** The kinds of errors that are all here, as the kernel makes them: those with fatal errors first. */
function kindsOf(rows: ErrorRow[]): ErrorGroupRow[] {
  const members = new Map<string, ErrorRow[]>();
  for (const row of rows) {
    const key = keyOf(row);
    members.set(key, [...(members.get(key) ?? []), row]);
  }
  const kinds = [...members].map(([key, own]) => kindOf(key, own));
  const urgency = (kind: ErrorGroupRow) => Number(kind.fatal > 0) * 2 + Number(kind.open > 0);
  return kinds.sort((a, b) => urgency(b) - urgency(a) || (b.at ?? 0) - (a.at ?? 0));
}

/** Pictures of older versions have no kinds. */
function keyOf(row: ErrorRow): string {
  return row.group ?? `${row.error_type} ${row.message}`;
}

function kindOf(key: string, rows: ErrorRow[]): ErrorGroupRow {
  const newest = rows.at(-1) as ErrorRow;
  const having = (outcome: ErrorOutcome) => rows.filter((row) => row.outcome === outcome).length;
  return {
    ...newest,
    key,
    error_type: newest.error_type,
    count: rows.length,
    tasks: new Set(rows.map(({ task }) => task).filter((task) => task !== null)).size,
    fatal: having("fatal"),
    open: having("open"),
    first_at: rows[0]?.at ?? null,
  };
}

const errorLabel = (row: ErrorRow) =>
  [row.error_type, row.task_name ?? row.task].filter(Boolean).join(" in ") || row.message.slice(0, 60);
const errorDetail = (row: ErrorRow) => <ErrorDetail row={row} />;
const kindLabel = (row: ErrorGroupRow) => row.error_type ?? row.message.slice(0, 60);
const kindDetail = (row: ErrorGroupRow) => <KindDetail kind={row} />;

function ErrorDetail({ row }: { row: ErrorRow }) {
  const { message, stack } = useFull("errors", row);
  return (
    <>
      <p class="rc-prose">
        <Text>{message}</Text>
      </p>
      {stack ? <pre class="rc-pre">{stack}</pre> : <p class="rc-note">No stack trace came with this error.</p>}
    </>
  );
}

/** The newest error of a kind in full, and where else it was. */
function KindDetail({ kind }: { kind: ErrorGroupRow }) {
  const members = useMembers("errors", kind.key, null, kind.count, (row) => keyOf(row) === kind.key);
  const [newest] = members;
  if (!newest) return <p class="rc-note">The kernel is asked…</p>;
  const hidden = kind.count - members.length;
  return (
    <>
      <ErrorDetail row={newest} />
      <ul class="rc-rows" aria-label="Errors of this kind">
        {members.map((row) => (
          <li key={row.key}>
            {row.task ? <TaskLink id={row.task} name={row.task_name} /> : <span>the run</span>}
            <span class="rc-note">{attemptText(row)}</span>
            <Outcome row={row} />
            <Time at={row.at} />
          </li>
        ))}
      </ul>
      {hidden > 0 && <p class="rc-note">and {plural(hidden, "older one")}</p>}
    </>
  );
}
