/** The drawer of the run's growth: throughput, tokens and cost over time. */
import { useState } from "preact/hooks";
import type { Head, UsageRow } from "../kernel/contract";
import { useNow, useStore } from "../panel/context";
import { elapsedSeconds } from "../panel/header";
import { Drawer } from "../ui/drawer";
import { clock, count, dollars } from "../ui/format";
import { Chart, type Quantity, type Span } from "./chart";
import { expectedEnd, type Point, pace, rates, totalAt } from "./growth";
import { limitWords, usedShare } from "./limits";

export function UsageDrawer({ close }: { close: () => void }) {
  return (
    <Drawer name="Over time" head={<h3 class="rc-sheet-title">Over time</h3>} close={close}>
      <Charts />
    </Drawer>
  );
}

function Charts() {
  const store = useStore("head", "usage", "attachment");
  const head = store.head;
  const goesOn = head !== null && head.status === "running" && head.ended_at === null;
  const now = useNow(goesOn && store.reachable);
  const [cursor, point] = useState<number | null>(null);
  const rows = store.tables.usage.rows;
  const first = rows[0];
  if (!head || !first) return <p class="rc-note">Nothing is known yet: the charts begin with the first event.</p>;
  const span = spanOf(head, rows, store.reachable ? now : 0);
  const asks = store.reachable && (head.questions ?? 0) > 0;
  const shown = quantities(head, rows, span, goesOn && !asks);
  const end = Math.max(span.now, ...shown.map(({ leads }) => leads?.at ?? 0));
  const stops = rows.map(({ at }) => at);
  return (
    <>
      {shown.map((quantity) => (
        <Chart
          key={quantity.name}
          quantity={quantity}
          span={{ ...span, end }}
          over={!goesOn}
          stops={stops}
          cursor={cursor}
          point={point}
        />
      ))}
    </>
  );
}

/** From the start of the run to its end, or to the present by the clock of its events. */
function spanOf(head: Head, rows: readonly UsageRow[], now: number): Span {
  const first = rows[0]?.at ?? 0;
  const start = Math.min(head.started_at ?? first, first);
  const elapsed = now === 0 ? 0 : (elapsedSeconds(head, now) ?? 0);
  const end = Math.max(rows.at(-1)?.at ?? start, start + elapsed * 1000, start + 1);
  return { start, now: end, end };
}

function quantities(head: Head, rows: readonly UsageRow[], span: Span, goesOn: boolean): Quantity[] {
  const curve = (value: (row: UsageRow) => number | null): Point[] => {
    const points = rows.map((row) => ({ at: row.at, value: value(row) }));
    const last = points.at(-1);
    return last && last.at < span.now ? [...points, { at: span.now, value: last.value }] : points;
  };
  const used = { head, span, goesOn };
  return [
    throughput(
      curve((row) => row.tasks),
      span,
    ),
    money({ ...used, name: "Tokens", text: count, points: curve((row) => row.tokens), limit: head.token_budget }),
    money({ ...used, name: "Cost", text: dollars, points: curve((row) => row.cost_usd), limit: head.cost_limit }),
  ];
}

const perMinute = (value: number) => `${value < 10 ? Number(value.toFixed(1)) : count(value)} / min`;

function throughput(points: readonly Point[], { start, now }: Span): Quantity {
  const parts = rates(points, start, now);
  const known = parts.flatMap(({ value }) => value ?? []);
  const says =
    known.length === 0
      ? points.some(({ value }) => value !== null)
        ? "Not long enough to tell."
        : "Unknown: no task has been reported."
      : `${perMinute(known.at(-1) as number)} lately, at most ${perMinute(Math.max(...known))}; tasks that completed.`;
  return { name: "Throughput", text: perMinute, rates: parts, says };
}

interface Money {
  head: Head;
  span: Span;
  goesOn: boolean;
  name: string;
  text: (value: number) => string;
  points: readonly Point[];
  limit: number | null;
}

function money({ head, span, goesOn, name, text, points, limit }: Money): Quantity {
  const used = totalAt(points, span.now);
  if (used === null) return { name, text, points, says: "Unknown: the server has not reported any." };
  const speed = goesOn ? pace(points, span.start, span.now) : null;
  const end = expectedEnd(head.percent, span.start, span.now) ?? span.now + (span.now - span.start) / 4;
  const horizon = Math.min(end, span.now + (span.now - span.start));
  const leads = speed === null ? null : { at: horizon, value: used + speed * (horizon - span.now) };
  const words = limitWords(usedShare(used, limit));
  const parts = [
    `${text(used)}${limit === null ? "" : ` of ${text(limit)}`}${words ? `, ${words}` : ""}.`,
    speed === null ? "" : leadText({ head, span, end, used, speed, limit, text }),
  ];
  return { name, text, points, limit, leads, says: parts.join(" ").trim() };
}

interface Lead {
  head: Head;
  span: Span;
  end: number;
  used: number;
  speed: number;
  limit: number | null;
  text: (value: number) => string;
}

function leadText({ head, span, end, used, speed, limit, text }: Lead): string {
  const reached = limit === null || used >= limit ? null : span.now + (limit - used) / speed;
  const isBefore = reached !== null && (reached <= end || head.percent === null);
  if (isBefore) return `At this pace the limit is reached at about ${clock(reached)}.`;
  if (expectedEnd(head.percent, span.start, span.now) === null) return "";
  return `At this pace about ${text(used + speed * (end - span.now))} at the end.`;
}
