/** Lines of output, of which only the visible ones are drawn: the newest in sight until a person scrolls away. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { OutputRow } from "../kernel/contract";
import { useFull } from "../panel/detail";
import type { Finder } from "../state/log-search";
import type { RowSource } from "../state/tables";
import { Button } from "../ui/button";
import { count } from "../ui/format";
import { Icon } from "../ui/icons";
import { type Layout, useScroller } from "../ui/virtual";
import { Line, type LineProps } from "./lines";

const LINE_HEIGHT = 18;
/** Lines requested before and behind those on screen. */
const AHEAD = 100;
/** Lines around the visible ones whose measured heights are kept. */
const MEASURED = 1000;
const NO_EXTRAS: ReadonlyMap<number, number> = new Map();

export interface LogProps {
  rows: RowSource<OutputRow>;
  /** Called with the lines [from, to) that are wanted, and the first one on screen. */
  onSeen: (from: number, to: number, top: number) => void;
  /** The line to show; another object is another wish. */
  target: { place: number } | null;
  /** The number of the line of the present match. */
  current: number | null;
  /** The places of the first and the last chosen line. */
  chosen: readonly [number, number] | null;
  choose: (place: number, extend: boolean) => void;
  finder: Finder | null;
  tagged: boolean;
  stamped: boolean;
  wrapped: boolean;
}

export function Log(props: LogProps) {
  const { rows, target, chosen, wrapped } = props;
  const [extras, setExtras] = useState(NO_EXTRAS);
  const layout: Layout = { count: rows.total, rowHeight: LINE_HEIGHT, extras: wrapped ? extras : NO_EXTRAS };
  const scroller = useScroller({ layout, follow: true, steady: true });
  const { start, end, top, height: full } = scroller.window;
  const lines = useRef<HTMLDivElement>(null);
  const fresh = useFresh(rows.total, scroller.atEnd);
  // At the end new lines come by themselves; elsewhere the next ones are requested before they are visible.
  const ahead = scroller.atEnd ? 0 : AHEAD;
  useEffect(() => props.onSeen(start - ahead, end + ahead, scroller.first));
  const { toRow } = scroller;
  useLayoutEffect(() => {
    if (target) toRow(target.place);
  }, [target, toRow]);
  useLayoutEffect(() => {
    if (wrapped && lines.current) setExtras((old) => measured(old, lines.current as HTMLElement, start));
  });
  useSideways(scroller.ref, `${props.current} ${start}`);
  const drawn = Array.from({ length: Math.max(0, end - start) }, (_, i) => {
    const place = start + i;
    const row = rows.at(place);
    if (!row) return <div key={`at ${place}`} class="rc-line rc-line-waiting" />;
    const isCurrent = Number(row.key) === props.current;
    const View = isCurrent ? WholeLine : Line;
    return (
      <View
        key={row.key}
        row={row}
        place={place}
        current={isCurrent}
        chosen={chosen !== null && chosen[0] <= place && place <= chosen[1]}
        finder={props.finder}
        tagged={props.tagged}
        stamped={props.stamped}
      />
    );
  });
  const classes = `rc-log${wrapped ? " rc-log-wrapped" : ""}`;
  return (
    <div class="rc-log-frame rc-fills">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a range of lines can also be chosen by selecting their text */}
      <div
        role="log"
        aria-label="Output"
        // New lines are not read out: a run writes more than anybody can listen to.
        aria-live="off"
        class={classes}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
        tabIndex={0}
        ref={scroller.ref}
        onScroll={scroller.onScroll}
        onClick={(event) => {
          const place = (event.target as HTMLElement).dataset.place;
          if (place !== undefined) props.choose(Number(place), event.shiftKey);
        }}
      >
        <div class="rc-log-body" style={`height: ${full}px; --rc-digits: ${String(lastNumber(rows)).length}ch`}>
          <div ref={lines} style={{ transform: `translateY(${top}px)` }}>
            {drawn}
          </div>
        </div>
      </div>
      {!scroller.atEnd && (
        <Button class="rc-button rc-small rc-jump" aria-label="Jump to latest" onClick={scroller.toEnd}>
          <Icon name="down" />
          {fresh > 0 ? `${count(fresh)} new` : "Jump to latest"}
        </Button>
      )}
    </div>
  );
}

/** The line of the present match, in full: the match may be where a long line is cut. */
function WholeLine(props: LineProps) {
  return <Line {...props} row={useFull("output", props.row)} />;
}

function lastNumber(rows: RowSource<OutputRow>): number {
  return Math.max(rows.total, Number(rows.at(rows.total - 1)?.key ?? 0) + 1);
}

/** The number of lines that came since a person scrolled away from the end. */
function useFresh(total: number, atEnd: boolean): number {
  const known = useRef(total);
  if (atEnd || known.current > total) known.current = total;
  return total - known.current;
}

/** The extra heights of the drawn lines, and the known ones near them; the same map if nothing has changed. */
function measured(old: ReadonlyMap<number, number>, drawn: HTMLElement, start: number): ReadonlyMap<number, number> {
  const seen = [...drawn.children].map((child, i) => {
    const extra = Math.max(0, (child as HTMLElement).offsetHeight - LINE_HEIGHT);
    return [start + i, extra] as const;
  });
  if (seen.every(([place, extra]) => (old.get(place) ?? 0) === extra)) return old;
  const near = [...old].filter(([place]) => Math.abs(place - start) < MEASURED);
  return new Map([...near, ...seen].filter(([, extra]) => extra > 0));
}

/** Scrolls sideways to the present match. */
function useSideways(log: { current: HTMLElement | null }, when: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: a person may scroll back until another line is the one
  useLayoutEffect(() => {
    const area = log.current;
    const mark = area?.querySelector<HTMLElement>(".rc-line-current mark");
    if (!area || !mark) return;
    const from = mark.getBoundingClientRect().left - area.getBoundingClientRect().left;
    if (from < 0 || from > area.clientWidth - 40) area.scrollLeft += from - area.clientWidth / 2;
  }, [log, when]);
}
