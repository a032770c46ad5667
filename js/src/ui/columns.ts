/** The columns of a table: their widths, the narrow panels that hide some, and those that have no value yet. */

import type { ComponentChildren } from "preact";
import type { Row } from "../kernel/contract";

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
  /** Rows of two lines show it on the second, whatever `hideBelow` says. */
  second?: boolean;
  /** True for a row with a value. The column is left out until a row had one; without this it always is there. */
  has?: (row: R) => boolean;
  /** Where rows open elsewhere, its cell is the button; what stands beside it. */
  opens?: (row: R) => ComponentChildren;
  /** The name by which its values can be sorted. */
  sort?: string;
}

/** Widths in pixels below which columns change; `table.css` has a container query for each. */
const LIMITS = [1160, 860, 620, 560, 470] as const;
export type Limit = (typeof LIMITS)[number];

/** A table's columns with values and its longest bar: they only grow, so that nothing moves while a person reads. */
export interface Shown {
  headings: Set<string>;
  longest: number;
}

const SHOWN = new WeakMap<object, Map<string, Shown>>();

/** What a table of a run has shown; `run` stands for the run. */
export function shownOf(run: object, table: string): Shown {
  const tables = SHOWN.get(run) ?? new Map<string, Shown>();
  SHOWN.set(run, tables);
  const shown = tables.get(table) ?? { headings: new Set<string>(), longest: 0 };
  tables.set(table, shown);
  return shown;
}

/** The columns that have a value in these rows, or had one. */
export function withValues<R extends Row>(
  columns: readonly Column<R>[],
  rows: readonly (R | undefined)[],
  { headings }: Shown,
): readonly Column<R>[] {
  return columns.filter(({ heading, has }) => {
    if (!has || headings.has(heading)) return true;
    const found = rows.some((row) => row !== undefined && has(row));
    if (found) headings.add(heading);
    return found;
  });
}

export function cellClass<R extends Row>({ right, sign, hideBelow, second, width }: Column<R>): string {
  return [
    "rc-td",
    right ? "rc-right" : "",
    sign ? `rc-sign-${sign}` : "",
    hideBelow ? `rc-hide-${hideBelow}` : "",
    second ? "rc-second" : "",
    typeof width === "number" ? "" : "rc-wide",
  ]
    .filter(Boolean)
    .join(" ");
}

/** The tracks of a grid row, as custom properties: one for the full width and one for each limit. */
export function templates<R extends Row>(columns: readonly Column<R>[]): string {
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
