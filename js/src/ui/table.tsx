/** A table of any length that draws only its visible rows. Rows can open. */

import type { ComponentChildren, VNode } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Row } from "../kernel/contract";
import type { RowSource } from "../state/tables";
import { Button } from "./button";
import { Icon } from "./icons";
import { memo } from "./memo";
import { type Layout, useScroller } from "./virtual";

/** The width of a column: in pixels; at least that many pixels and a share of the rest; or a track size of CSS. */
export type Width = number | readonly [least: number, share: number] | string;

export interface Column<R extends Row> {
  heading: string;
  cell: (row: R) => ComponentChildren;
  width: Width;
  /** Other widths, each for a section or panel that is narrower than one of `LIMITS`. */
  narrow?: { readonly [limit in Limit]?: Width };
  /** A section or panel narrower than this has no room for it: an opened row shows its value. */
  hideBelow?: Limit;
  /** Its cells hold only a sign (below a limit): only screen readers need the heading, and the words. */
  sign?: true | Limit;
  right?: boolean;
}

/** Widths in pixels below which columns change; `table.css` has a container query for each. */
const LIMITS = [1160, 860, 620, 560, 470] as const;
type Limit = (typeof LIMITS)[number];

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
  /** The content below each row, always: for short tables. */
  below?: (row: R) => VNode | null;
  /** Called with the rows [from, to) that are on screen. */
  onSeen?: (from: number, to: number) => void;
}

const ROW_HEIGHT = 30;
const HEAD_HEIGHT = 28;
/** The most rows that are all drawn: a page of text that can be searched and selected. */
const ALL_ROWS = 200;
const NO_EXTRAS: ReadonlyMap<number, number> = new Map();

export function DataTable<R extends Row>(props: DataTableProps<R>) {
  const { name, columns, rows, reversed = false, detail, onSeen } = props;
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [extras, setExtras] = useState<ReadonlyMap<string, number>>(new Map());
  const total = rows.total;
  const numberOf = (position: number) => (reversed ? total - 1 - position : position);
  const layout: Layout = { count: total, rowHeight: ROW_HEIGHT, extras: placeExtras(extras, opened, reversed, total) };
  const scroller = useScroller({ layout, inset: HEAD_HEIGHT, growsAtTop: reversed });
  const virtual = total > ALL_ROWS;
  const start = virtual ? scroller.window.start : 0;
  const end = virtual ? scroller.window.end : total;

  useEffect(() => {
    const [a, b] = [numberOf(start), numberOf(end - 1)];
    // Also of no rows: a paging source may not know yet how many there are.
    onSeen?.(Math.max(0, Math.min(a, b)), Math.max(a, b) + 1);
  });

  const toggle = useCallback((index: string) => setOpened((old) => toggled(old, index)), []);
  const measure = useCallback((index: string, extra: number) => {
    setExtras((old) => (old.get(index) === extra ? old : new Map(old).set(index, extra)));
  }, []);

  const drawn = Array.from({ length: Math.max(0, end - start) }, (_, i) => {
    const position = start + i;
    const index = numberOf(position);
    const row = rows.at(index);
    if (!row) return <Placeholder key={`at ${index}`} position={position} columns={columns.length} />;
    const isOpen = opened.has(String(index));
    return (
      <TableRow
        key={row.key}
        row={row as Row}
        index={String(index)}
        position={position}
        columns={columns as readonly Column<Row>[]}
        open={isOpen}
        detail={detail as ((row: Row) => VNode | null) | undefined}
        below={props.below as ((row: Row) => VNode | null) | undefined}
        toggle={toggle}
        measure={measure}
      />
    );
  });

  return (
    <div
      class={`rc-table${props.fills ? " rc-fills" : ""}`}
      role="table"
      aria-label={name}
      aria-rowcount={total + 1}
      ref={scroller.ref}
      onScroll={scroller.onScroll}
      style={templates(columns)}
      // A scrolling area must be reachable by keyboard.
      tabIndex={scroller.scrolls ? 0 : undefined}
    >
      <div role="rowgroup" class="rc-thead">
        <div role="row" class="rc-tr" aria-rowindex={1}>
          {columns.map((column) => (
            <div key={column.heading} role="columnheader" class={cellClass(column)}>
              {column.heading}
            </div>
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

interface TableRowProps {
  row: Row;
  index: string;
  position: number;
  columns: readonly Column<Row>[];
  open: boolean;
  detail: ((row: Row) => VNode | null) | undefined;
  below: ((row: Row) => VNode | null) | undefined;
  toggle: (index: string) => void;
  measure: (index: string, extra: number) => void;
}

const TableRow = memo(function TableRow(props: TableRowProps) {
  const { row, index, position, columns, open, toggle } = props;
  const opens = props.detail !== undefined;
  return (
    <div role="presentation" class={`rc-row${open ? " rc-row-open" : ""}`}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the button in the first cell does the same by keyboard */}
      <div
        role="row"
        class={`rc-tr${opens ? " rc-tr-opens" : ""}`}
        aria-rowindex={position + 2}
        onClick={opens ? (event) => isPlainClick(event) && toggle(index) : undefined}
      >
        {columns.map((column, i) => (
          <div key={column.heading} role="cell" class={cellClass(column)}>
            {opens && i === 0 && <Opener open={open} toggle={() => toggle(index)} />}
            {column.cell(row)}
          </div>
        ))}
      </div>
      {open && props.detail && (
        <Detail index={index} measure={props.measure}>
          {props.detail(row)}
        </Detail>
      )}
      {props.below?.(row)}
    </div>
  );
});

function Opener({ open, toggle }: { open: boolean; toggle: () => void }) {
  return (
    <Button class="rc-opener" aria-expanded={open} aria-label="Details" onClick={toggle}>
      <Icon name="chevron" />
    </Button>
  );
}

function Detail(props: {
  index: string;
  measure: (index: string, extra: number) => void;
  children: ComponentChildren;
}) {
  const { index, measure } = props;
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => measure(index, element.offsetHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, [index, measure]);
  return (
    <div class="rc-detail" role="row" ref={ref}>
      <div role="cell">{props.children ?? <span class="rc-note">Nothing more is known.</span>}</div>
    </div>
  );
}

function Placeholder({ position, columns }: { position: number; columns: number }) {
  return (
    <div role="row" class="rc-tr rc-tr-waiting" aria-rowindex={position + 2} aria-busy="true">
      <div role="cell" aria-colspan={columns}>
        <i />
      </div>
    </div>
  );
}

function cellClass<R extends Row>({ right, sign, hideBelow }: Column<R>): string {
  return `rc-td${right ? " rc-right" : ""}${sign ? ` rc-sign-${sign}` : ""}${hideBelow ? ` rc-hide-${hideBelow}` : ""}`;
}

/** The tracks of a grid row, as custom properties: one for the full width and one for each limit. */
function templates<R extends Row>(columns: readonly Column<R>[]): string {
  return [Number.POSITIVE_INFINITY, ...LIMITS]
    .map((limit) => {
      const shown = columns.filter(({ hideBelow }) => !(hideBelow && hideBelow >= limit));
      return `--rc-columns-${limit}: ${shown.map((column) => track(column, limit)).join(" ")}`;
    })
    .join(";");
}

function track<R extends Row>({ width, narrow = {} }: Column<R>, limit: number): string {
  const nearest = LIMITS.findLast((other) => other >= limit && narrow[other] !== undefined);
  const size = nearest ? narrow[nearest] : width;
  return Array.isArray(size)
    ? `minmax(${size[0]}px, ${size[1]}fr)`
    : typeof size === "number"
      ? `${size}px`
      : `${size}`;
}

/** True for a click that opens a row: it selects no text and follows no link. */
function isPlainClick(event: MouseEvent): boolean {
  if ((event.target as Element).closest("a, button, input, textarea")) return false;
  return (document.getSelection()?.toString() ?? "") === "";
}

function toggled(old: ReadonlySet<string>, index: string): ReadonlySet<string> {
  const fresh = new Set(old);
  if (!fresh.delete(index)) fresh.add(index);
  return fresh;
}

/** Heights of opened rows by position on the screen, from those by row number. */
function placeExtras(
  extras: ReadonlyMap<string, number>,
  opened: ReadonlySet<string>,
  reversed: boolean,
  total: number,
): ReadonlyMap<number, number> {
  if (opened.size === 0) return NO_EXTRAS;
  const placed = new Map<number, number>();
  for (const index of opened) {
    const number = Number(index);
    placed.set(reversed ? total - 1 - number : number, extras.get(index) ?? 0);
  }
  return placed;
}
