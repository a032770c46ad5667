/** Every event of the run, the newest first. */

import type { EventRow } from "../kernel/contract";
import { useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import { Clip } from "../ui/clip";
import { Empty, Section } from "../ui/icons";
import { type Column, DataTable } from "../ui/table";
import { Time } from "./columns";
import { logSource } from "./row-sources";

const EVENTS: readonly Column<EventRow>[] = [
  { heading: "At", width: 84, cell: (row) => <Time at={row.at} /> },
  {
    heading: "Type",
    width: [150, 1],
    narrow: { 620: [120, 1] },
    cell: (row) => (
      <>
        <code class="rc-clip">{row.type}</code>
        {row.kind !== "known" && row.type !== row.kind && <span class={`rc-chip rc-chip-${row.kind}`}>{row.kind}</span>}
      </>
    ),
  },
  {
    heading: "Task",
    width: [60, 0.6],
    hideBelow: 620,
    cell: (row) => <Clip>{row.task ?? ""}</Clip>,
  },
  {
    heading: "Payload",
    width: [100, 3],
    narrow: { 620: [0, 1.4] },
    cell: (row) => <code class="rc-clip rc-payload">{row.payload}</code>,
  },
];

export function Events() {
  const store = useStore("events", "pages", "attachment");
  const { rows, absent, want } = logSource(store, "events");
  const log = store.tables.events;
  const note = absent > 0 ? `${absent.toLocaleString("en-US")} not saved` : log.total.toLocaleString("en-US");
  return (
    <Section title="Events" note={note}>
      {rows.total === 0 ? (
        <Empty>{absent > 0 ? "The events were not saved with the notebook." : "No events yet."}</Empty>
      ) : (
        <DataTable
          name="Events"
          columns={EVENTS}
          rows={rows}
          reversed
          detail={eventDetail}
          label={eventLabel}
          onSeen={want}
        />
      )}
    </Section>
  );
}

const eventLabel = (row: EventRow) => `${row.type}${row.task ? ` of ${row.task}` : ""}`;
const eventDetail = (row: EventRow) => <EventDetail row={row} />;

function EventDetail({ row }: { row: EventRow }) {
  const { payload } = useFull("events", row);
  return <pre class="rc-pre">{indented(payload)}</pre>;
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    // Cut or malformed: it is shown unchanged.
    return json;
  }
}
