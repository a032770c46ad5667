/** A row for each run. A press on its name, or Enter, opens its own panel. */
import { useState } from "preact/hooks";
import type { FleetRow } from "../kernel/contract";
import { count, dollars, percent, ticking } from "../ui/format";
import { Icon, type IconName } from "../ui/icons";

interface Column {
  name: string;
  /** The value to sort by; null goes last. */
  by: (run: FleetRow) => number | string | null;
  right?: boolean;
  cell: (run: FleetRow, now: number) => preact.ComponentChild;
}

const COLUMNS: Column[] = [
  { name: "State", by: (run) => run.words, cell: (run) => <State run={run} /> },
  { name: "Progress", by: (run) => run.percent, cell: (run) => <Progress run={run} /> },
  {
    name: "Tasks",
    by: (run) => run.completed_tasks || run.total_tasks,
    right: true,
    cell: (run) =>
      (run.completed_tasks || run.total_tasks !== null) && (
        <>
          {count(run.completed_tasks)}
          {run.total_tasks !== null && <span class="rc-of"> / {count(run.total_tasks)}</span>}
        </>
      ),
  },
  {
    name: "Failed",
    by: (run) => run.failed_tasks,
    right: true,
    cell: (run) => run.failed_tasks > 0 && <span class="rc-tone-failed">{count(run.failed_tasks)}</span>,
  },
  {
    name: "Cost",
    by: (run) => run.cost_usd,
    right: true,
    cell: (run) => run.cost_usd !== null && dollars(run.cost_usd),
  },
  {
    name: "Questions",
    by: (run) => run.questions,
    right: true,
    cell: (run) => run.questions > 0 && <span class="rc-tone-ask">{count(run.questions)}</span>,
  },
  {
    name: "Last event",
    by: (run) => run.last_event_at,
    right: true,
    cell: (run, now) => run.last_event_at !== null && `${ticking((now - run.last_event_at) / 1000)} ago`,
  },
];
const NAME: Column = { name: "Run", by: (run) => run.name, cell: (run) => run.name };

export function Runs({
  runs,
  now,
  opened,
  open,
}: {
  runs: FleetRow[];
  now: number;
  opened: string;
  open: (run: string) => void;
}) {
  const [sorting, setSorting] = useState<{ name: string; down: boolean } | null>(null);
  const columns = COLUMNS.filter(({ name, by }) => name === "State" || runs.some((run) => by(run)));
  const column = [NAME, ...columns].find(({ name }) => name === sorting?.name);
  const rows = column && sorting ? [...runs].sort((a, b) => compare(column.by(a), column.by(b), sorting.down)) : runs;
  const sort = (name: string) =>
    setSorting((now) => (now?.name === name ? (now.down ? null : { name, down: true }) : { name, down: false }));
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (step === undefined) return;
    const buttons = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>("tbody button")];
    const at = buttons.indexOf(event.target as HTMLElement);
    if (at < 0) return;
    event.preventDefault();
    buttons[at + step]?.focus();
  };
  return (
    <div class="rc-fleet-scroll">
      <table class="rc-fleet-table" aria-label="Runs" onKeyDown={onKeyDown}>
        <thead>
          <tr>
            {[NAME, ...columns].map(({ name, right }) => (
              <th
                key={name}
                scope="col"
                class={right ? "rc-right" : undefined}
                aria-sort={sorting?.name === name ? (sorting.down ? "descending" : "ascending") : "none"}
              >
                <button type="button" class="rc-fleet-sort" onClick={() => sort(name)}>
                  {name}
                  {sorting?.name === name && <Icon name={sorting.down ? "down" : "up"} />}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((run) => (
            <tr key={run.key} class={run.key === opened ? "rc-fleet-opened" : undefined}>
              <th scope="row">
                <button
                  type="button"
                  class="rc-link-button rc-clip"
                  aria-expanded={run.key === opened}
                  title={run.address}
                  onClick={() => open(run.key)}
                >
                  {run.name}
                </button>
                {run.reason && run.link !== "live" && (
                  <span class="rc-note rc-clip" title={run.reason}>
                    {run.reason}
                  </span>
                )}
              </th>
              {columns.map(({ name, right, cell }) => (
                <td key={name} data-name={name} class={right ? "rc-right" : undefined}>
                  {cell(run, now)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {runs.length === 0 && <p class="rc-empty">No runs yet: add(url) adds one.</p>}
    </div>
  );
}

function compare(a: number | string | null, b: number | string | null, down: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  return down ? -order : order;
}

function toneOf(run: FleetRow): { tone: string; icon: IconName } {
  if (run.questions > 0) return { tone: "ask", icon: "hand" };
  if (run.link === "failed" || run.status === "failed") return { tone: "failed", icon: "cross" };
  if (run.link === "retrying" || run.link === "stopped") return { tone: "paused", icon: "warn" };
  const known: Record<string, { tone: string; icon: IconName }> = {
    completed: { tone: "completed", icon: "check" },
    running: { tone: "running", icon: "arc" },
    partial: { tone: "paused", icon: "warn" },
    interrupted: { tone: "paused", icon: "warn" },
    cancelled: { tone: "quiet", icon: "stop" },
  };
  return known[run.status] ?? { tone: "quiet", icon: "circle" };
}

function State({ run }: { run: FleetRow }) {
  const { tone, icon } = toneOf(run);
  return (
    <span class={`rc-status rc-tone-${tone}`}>
      <Icon name={icon} />
      <span>{run.words}</span>
    </span>
  );
}

function Progress({ run }: { run: FleetRow }) {
  if (run.percent === null) return null;
  return (
    <span class="rc-fleet-progress">
      <span
        role="progressbar"
        aria-label={`Progress of ${run.name}`}
        aria-valuenow={Math.floor(run.percent)}
        aria-valuemin={0}
        aria-valuemax={100}
        class={`rc-tone-${toneOf(run).tone === "ask" ? "running" : toneOf(run).tone}`}
      >
        <i style={{ width: `${run.percent}%` }} />
      </span>
      {percent(run.percent)}
    </span>
  );
}
