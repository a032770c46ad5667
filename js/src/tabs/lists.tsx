/** The tabs that are one table each: artifacts, errors, decisions. */

import type { DecisionRow, ErrorRow, Row } from "../kernel/port";
import { useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import type { LogName, Store } from "../state/store";
import { duration, UNKNOWN } from "../ui/format";
import { DeliveryMark, Text } from "../ui/icons";
import { type Column, DataTable } from "../ui/table";
import { ARTIFACTS, ERRORS, Time } from "./columns";

/** Asks for what is on screen and not here. */
function asker(store: Store, name: LogName): (from: number, to: number) => void {
  return (from, to) => store.wantLog(name, from, to);
}

export function Artifacts() {
  const store = useStore("artifacts", "pages");
  const rows = store.tables.artifacts;
  return (
    <DataTable
      name="Artifacts"
      empty="No artifacts yet."
      layout="artifacts"
      columns={ARTIFACTS}
      rows={rows}
      reversed
      onSeen={asker(store, "artifacts")}
    />
  );
}

export function Errors() {
  const store = useStore("errors", "pages");
  const rows = store.tables.errors;
  return (
    <DataTable
      name="Errors"
      empty="No errors."
      layout="errors"
      columns={ERRORS}
      rows={rows}
      reversed
      detail={errorDetail}
      onSeen={asker(store, "errors")}
    />
  );
}

const errorDetail = (row: ErrorRow) => <ErrorDetail row={row} />;

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

/** Who decided, in words. */
const WHO: Readonly<Record<string, string>> = {
  other: "somebody else",
  timeout: "the time-out",
  policy: "on_checkpoint",
};

const DECISIONS: readonly Column<DecisionRow>[] = [
  { id: "state", title: "State", cell: (row) => <DeliveryMark state={row.state} /> },
  {
    id: "title",
    title: "Question",
    cell: (row) => (
      <span class="rc-clip" title={row.checkpoint}>
        {row.title ?? row.checkpoint}
      </span>
    ),
  },
  { id: "option", title: "Answer", cell: (row) => <b class="rc-clip">{row.option ?? UNKNOWN}</b> },
  { id: "by", title: "By", cell: (row) => (row.by === null ? UNKNOWN : (WHO[row.by] ?? row.by)) },
  {
    id: "feedback",
    title: "Feedback",
    cell: (row) => (
      <span class="rc-clip" title={row.error ?? row.feedback ?? undefined}>
        {row.error ? <span class="rc-tone-failed">{row.error}</span> : (row.feedback ?? "")}
      </span>
    ),
  },
  { id: "took", title: "Took", right: true, cell: (row) => duration(row.took_s) },
  { id: "at", title: "At", right: true, cell: (row) => <Time at={row.at} /> },
];

export function Decisions() {
  const store = useStore("decisions", "pages");
  const rows = store.tables.decisions;
  return (
    <DataTable
      name="Decisions"
      empty="No decisions yet."
      layout="decisions"
      columns={DECISIONS}
      rows={rows}
      reversed
      detail={decisionDetail}
      onSeen={asker(store, "decisions")}
    />
  );
}

const decisionDetail = (row: DecisionRow) => <DecisionDetail row={row} />;

/** The line in a sentence, for where the columns have no room, and its texts in full. */
function DecisionDetail({ row }: { row: DecisionRow }) {
  const { title, option, feedback, error } = useFull<DecisionRow & Row>("decisions", row);
  const who = row.by === null ? "" : ` by ${WHO[row.by] ?? row.by}`;
  const took = row.took_s === null ? "" : `, ${duration(row.took_s)} after the question`;
  return (
    <>
      <p class="rc-prose">
        {title ?? row.checkpoint}: {option === null ? "no answer" : `${option}${who}`}
        {took} ({row.state})
      </p>
      {error && (
        <p class="rc-tone-failed">
          <Text>{error}</Text>
        </p>
      )}
      {feedback && (
        <p class="rc-prose">
          <Text>{feedback}</Text>
        </p>
      )}
    </>
  );
}
