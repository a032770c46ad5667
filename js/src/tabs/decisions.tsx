/** The decisions of the run, newest first. */
import type { DecisionRow, Row } from "../kernel/contract";
import { useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import { Clip } from "../ui/clip";
import { duration, UNKNOWN } from "../ui/format";
import { DeliveryMark, Text } from "../ui/icons";
import { type Column, DataTable } from "../ui/table";
import { Time } from "./columns";
import { logSource } from "./row-sources";
import { Saved } from "./saved";

/** The decider, in words. */
export const WHO: Readonly<Record<string, string>> = {
  other: "somebody else",
  timeout: "the time-out",
  policy: "your policy",
};

const DECISIONS: readonly Column<DecisionRow>[] = [
  { heading: "State", width: 130, second: true, cell: (row) => <DeliveryMark state={row.state} /> },
  {
    heading: "Question",
    width: [120, 1.5],
    narrow: { 620: [0, 1.5] },
    cell: (row) => <Clip title={row.checkpoint}>{row.title ?? row.checkpoint}</Clip>,
  },
  {
    heading: "Answer",
    width: [80, 0.8],
    narrow: { 620: [70, 0.8] },
    second: true,
    cell: (row) => <b class="rc-clip">{row.option ?? UNKNOWN}</b>,
  },
  {
    heading: "By",
    width: 104,
    hideBelow: 620,
    has: (row) => row.by !== null,
    cell: (row) => (row.by === null ? UNKNOWN : (WHO[row.by] ?? row.by)),
  },
  {
    heading: "Feedback",
    width: [80, 1.5],
    hideBelow: 860,
    has: (row) => Boolean(row.error ?? row.feedback),
    cell: (row) => (
      <span class="rc-clip" title={row.error ?? row.feedback ?? undefined}>
        {row.error ? <span class="rc-tone-failed">{row.error}</span> : (row.feedback ?? "")}
      </span>
    ),
  },
  {
    heading: "Took",
    width: 66,
    hideBelow: 860,
    right: true,
    has: (row) => row.took_s !== null,
    cell: (row) => duration(row.took_s),
  },
  { heading: "At", width: 66, right: true, cell: (row) => <Time at={row.at} /> },
];

export function Decisions() {
  const store = useStore("decisions", "pages", "attachment");
  const source = logSource(store, "decisions");
  return (
    <>
      <Saved absent={source.absent} here={source.rows.total} />
      <DataTable
        name="Decisions"
        fills
        empty="No decisions yet."
        columns={DECISIONS}
        rows={source.rows}
        reversed
        detail={decisionDetail}
        label={decisionLabel}
        onSeen={source.want}
      />
    </>
  );
}

const decisionLabel = (row: DecisionRow) => row.title ?? row.checkpoint;
const decisionDetail = (row: DecisionRow) => <DecisionDetail row={row} />;

/** The line as a sentence, for places without room for columns, and its texts in full. */
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
