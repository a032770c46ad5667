/** A table of any length that draws only its visible rows. Rows can open. */

import type { RefObject, VNode } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Row } from "../kernel/contract";
import { usePanel } from "../panel/context";
import type { RowSource } from "../state/tables";
import { Button } from "./button";
import { type Column, cellClass, shownOf, templates, withValues } from "./columns";
import { useRoving } from "./roving";
import { type Branch, Placeholder, TableRow, type TableRowProps } from "./table-row";
import { type Layout, useScroller } from "./virtual";

export type { Column } from "./columns";

export interface Sorting {
  by: string | null;
  descending: boolean;
  sort: (by: string) => void;
}

export interface DataTableProps<R extends Row> {
  /** Its accessible name. */
  name: string;
  columns: readonly Column<R>[];
  rows: RowSource<R>;
  /** The text without any row: the table itself is always there, for people and programs that look for it. */
  empty?: string;
  /** Newest first. */
  reversed?: boolean;
  /** It takes the room that a view leaves, and scrolls; else it is as high as its rows, up to a limit. */
  fills?: boolean;
  /** The content of an opened row; null when there is none. */
  detail?: (row: R) => VNode | null;
  /** Called with a row that a person opens elsewhere; then `detail` is what is folded below the row. */
  open?: (row: R) => void;
  /** True for a row that has something folded below it, where rows open elsewhere. */
  folds?: (row: R) => boolean;
  /** The name of a row: its button is "Details of" it. */
  label?: (row: R) => string;
  /** The value of a row that bars compare: `--rc-longest` is the largest so far. */
  length?: (row: R) => number | null;
  /** The order of the rows, and the change that a press on a heading makes. */
  sorting?: Sorting;
  /** A table that is narrower than this, in CSS pixels, has rows of two lines. */
  foldBelow?: number;
  /** The place of a row in a tree: its level from 1, and whether its parts are shown; null for one without parts. */
  tree?: (row: R) => Branch;
  /** Shows or hides the parts of a row. */
  toggle?: (row: R) => void;
  /** The content below each row, always: for short tables. */
  below?: (row: R) => VNode | null;
  /** Called with the rows [from, to) that are on screen. */
  onSeen?: (from: number, to: number) => void;
}

const ROW_HEIGHT = 30;
const HEAD_HEIGHT = 28;
/** Rows of two lines; they have no visible headings. */
const TWO_LINES = 48;
const FOLD_BELOW = 450;
/** Stands among the headings with values: a row had something folded below it. */
const FOLDS = " ";
/** The most rows that are all drawn: a page of text that can be searched and selected. */
const ALL_ROWS = 200;
const NO_EXTRAS: ReadonlyMap<number, number> = new Map();

export function DataTable<R extends Row>(props: DataTableProps<R>) {
  const { name, rows, reversed = false, detail, onSeen } = props;
  const panel = usePanel();
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  // Rows of a tree move as others come and go: they are known by their keys, and here is where they were last.
  const places = useRef(new Map<string, number>()).current;
  const placeOf = (id: string) => {
    const place = places.get(id) ?? Number(id);
    return !props.tree || rows.at(place)?.key === id ? place : -1;
  };
  const [extras, setExtras] = useState<ReadonlyMap<string, number>>(new Map());
  const total = rows.total;
  const numberOf = (position: number) => (reversed ? total - 1 - position : position);
  const [folded, fold] = useState(false);
  const rowHeight = folded ? TWO_LINES : ROW_HEIGHT;
  const layout: Layout = { count: total, rowHeight, extras: placeExtras(extras, opened, placeOf, numberOf) };
  const scroller = useScroller({ layout, inset: folded ? 0 : HEAD_HEIGHT, growsAtTop: reversed });
  useNarrow(scroller.ref, props.columns.some(({ second }) => second) ? (props.foldBelow ?? FOLD_BELOW) : 0, fold);
  const virtual = total > ALL_ROWS;
  const start = virtual ? scroller.window.start : 0;
  const end = virtual ? scroller.window.end : total;

  useEffect(() => {
    const [a, b] = [numberOf(start), numberOf(end - 1)];
    // Also of no rows: a paging source may not know yet how many there are.
    onSeen?.(Math.max(0, Math.min(a, b)), Math.max(a, b) + 1);
  });

  const unfold = useCallback((id: string, open: boolean) => setOpened((old) => withRow(old, id, open)), []);
  const measure = useCallback((id: string, extra: number) => {
    setExtras((old) => (old.get(id) === extra ? old : new Map(old).set(id, extra)));
  }, []);

  const seen = Array.from({ length: Math.max(0, end - start) }, (_, i) => rows.at(numberOf(start + i)));
  const shown = shownOf(panel.store, name);
  const columns = withValues(props.columns, seen, shown);
  const { length, folds } = props;
  // One row with something below it moves the first cells of all.
  if (folds && seen.some((row) => row && folds(row))) shown.headings.add(FOLDS);
  if (length) shown.longest = Math.max(shown.longest, ...seen.map((row) => (row && length(row)) ?? 0));
  const idOf = (index: number) => (props.tree ? (rows.at(index)?.key ?? "") : String(index));
  const unfoldRow = (id: string, open: boolean) => {
    const row = rows.at(placeOf(id));
    const parts = row && props.tree?.(row).open;
    if (row && typeof parts === "boolean") parts !== open && props.toggle?.(row);
    else if (row && (folds?.(row) ?? true)) unfold(id, open);
  };
  const unfoldAt = (index: string, open: boolean) => unfoldRow(idOf(Number(index)), open);
  const roving = useRoving({ scroller, total, start, end, numberOf, unfold: detail ? unfoldAt : null });

  const opens = detail !== undefined || props.open !== undefined;

  const drawn = seen.map((row, i) => {
    const position = start + i;
    const index = numberOf(position);
    if (!row) return <Placeholder key={`at ${index}`} position={position} columns={columns.length} />;
    const id = idOf(index);
    if (props.tree) places.set(id, index);
    return (
      <TableRow
        key={row.key}
        row={row as Row}
        id={id}
        index={index}
        position={position}
        columns={columns as readonly Column<Row>[]}
        unfolded={opened.has(id)}
        stop={index === roving.stop}
        label={props.label as TableRowProps["label"]}
        open={props.open as TableRowProps["open"]}
        indents={folds !== undefined && shown.headings.has(FOLDS)}
        folds={folds as TableRowProps["folds"]}
        detail={detail as TableRowProps["detail"]}
        below={props.below as TableRowProps["below"]}
        tree={props.tree as TableRowProps["tree"]}
        unfold={props.tree ? unfoldRow : unfold}
        measure={measure}
      />
    );
  });

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it is a table or a tree of rows
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: as above
    <div
      class={`rc-table${props.fills ? " rc-fills" : ""}${folded ? " rc-two" : ""}`}
      role={props.tree ? "treegrid" : "table"}
      aria-label={name}
      aria-rowcount={total + 1}
      ref={scroller.ref}
      onScroll={scroller.onScroll}
      onKeyDown={opens ? roving.onKeyDown : undefined}
      onFocusIn={roving.onFocusIn}
      onFocusOut={roving.onFocusOut}
      style={`--rc-longest: ${shown.longest || 1}; ${templates(columns)}`}
      // A scrolling area must be reachable by keyboard; the button of a row does for those that have one.
      tabIndex={opens && total > 0 ? -1 : scroller.scrolls ? 0 : undefined}
    >
      <div role="rowgroup" class="rc-thead">
        <div role="row" class="rc-tr" aria-rowindex={1}>
          {columns.map((column) => (
            <Heading
              key={column.heading}
              column={column as Column<Row>}
              sorting={folded ? undefined : props.sorting}
              stops={total === 0}
            />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="rc-tbody" style={virtual ? { height: `${scroller.window.height}px` } : undefined}>
        <div role="presentation" style={virtual ? { transform: `translateY(${scroller.window.top}px)` } : undefined}>
          {drawn}
          {total === 0 && props.empty && (
            <div role="row">
              <div role="cell" class="rc-empty">
                {props.empty}
              </div>
            </div>
          )}
        </div>
      </div>
    </div>
  );
}

/** The button of a heading is reached from the first row, by the arrow up. */
function Heading(props: { column: Column<Row>; sorting: Sorting | undefined; stops: boolean }) {
  const { column, sorting } = props;
  const { heading, sort } = column;
  const sorted = sorting !== undefined && sort !== undefined && sorting.by === sort;
  const direction = sorting?.descending ? "descending" : "ascending";
  return (
    <div role="columnheader" class={cellClass(column)} aria-sort={sorted ? direction : undefined}>
      {sorting && sort ? (
        <Button
          class={`rc-sort${sorted ? ` rc-sort-${direction}` : ""}`}
          tabIndex={props.stops ? 0 : -1}
          onClick={() => sorting.sort(sort)}
        >
          {heading}
        </Button>
      ) : (
        heading
      )}
    </div>
  );
}

function withRow(old: ReadonlySet<string>, id: string, open: boolean): ReadonlySet<string> {
  if (old.has(id) === open) return old;
  const fresh = new Set(old);
  if (open) fresh.add(id);
  else fresh.delete(id);
  return fresh;
}

/** Reports if an element is narrower than a limit; one without a layout is not. */
function useNarrow(ref: RefObject<HTMLElement | null>, limit: number, report: (narrow: boolean) => void): void {
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const look = () => report(element.offsetWidth > 0 && element.offsetWidth < limit);
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref, limit, report]);
}

/** Heights of opened rows by position on the screen. */
function placeExtras(
  extras: ReadonlyMap<string, number>,
  opened: ReadonlySet<string>,
  placeOf: (id: string) => number,
  numberOf: (place: number) => number,
): ReadonlyMap<number, number> {
  if (opened.size === 0) return NO_EXTRAS;
  const placed = new Map<number, number>();
  for (const id of opened) {
    const place = placeOf(id);
    if (place >= 0) placed.set(numberOf(place), extras.get(id) ?? 0);
  }
  return placed;
}
