/** A row of a table: its cells, its buttons, and what is folded below it. */

import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Row } from "../kernel/contract";
import { Button } from "./button";
import { type Column, cellClass } from "./columns";
import { Icon } from "./icons";
import { memo } from "./memo";

/** The place of a row in a tree. */
export interface Branch {
  level: number;
  open: boolean | null;
}

export interface TableRowProps {
  row: Row;
  /** Its key in a tree, else its number. */
  id: string;
  index: number;
  position: number;
  columns: readonly Column<Row>[];
  unfolded: boolean;
  /** Its button is the table's tab stop. */
  stop: boolean;
  label: ((row: Row) => string) | undefined;
  open: ((row: Row) => void) | undefined;
  /** Rows with nothing below them begin where the others do. */
  indents: boolean;
  folds: ((row: Row) => boolean) | undefined;
  detail: ((row: Row) => VNode | null) | undefined;
  below: ((row: Row) => VNode | null) | undefined;
  tree: ((row: Row) => Branch) | undefined;
  unfold: (id: string, open: boolean) => void;
  measure: (id: string, extra: number) => void;
}

export const TableRow = memo(function TableRow(props: TableRowProps) {
  const { row, id, index, position, columns, stop, open } = props;
  const branch = props.tree?.(row);
  const hasParts = typeof branch?.open === "boolean";
  const unfolded = branch?.open ?? props.unfolded;
  const folds = props.detail !== undefined && (props.folds?.(row) ?? true);
  const opens = open !== undefined || folds;
  const name = props.label?.(row) ?? row.key;
  const toggle = () => props.unfold(id, !unfolded);
  const press = () => (open ? open(row) : toggle());
  return (
    <div role="presentation" class={`rc-row${unfolded && !hasParts ? " rc-row-open" : ""}`} data-row={index}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: its button does the same by keyboard */}
      <div
        role="row"
        aria-level={branch?.level}
        aria-expanded={branch && folds ? unfolded : undefined}
        style={branch && { "--rc-level": branch.level - 1 }}
        class={`rc-tr${opens ? " rc-tr-opens" : ""}`}
        aria-rowindex={position + 2}
        onClick={opens ? (event) => isPlainClick(event) && press() : undefined}
      >
        {columns.map((column, i) => (
          <div
            key={column.heading}
            role={branch ? "gridcell" : "cell"}
            class={cellClass(column)}
            data-heading={column.second && column.right ? column.heading : undefined}
          >
            {i === 0 && folds && (
              <Fold
                open={unfolded}
                name={open || hasParts ? `Parts of ${name}` : `Details of ${name}`}
                stop={open ? null : stop}
                press={toggle}
              />
            )}
            {i === 0 && !folds && props.indents && <span class="rc-fold" />}
            {open && column.opens ? (
              <Button
                class="rc-opener rc-opens"
                aria-label={`Details of ${name}`}
                aria-haspopup="dialog"
                tabIndex={stop ? 0 : -1}
                onClick={press}
              >
                {column.cell(row)}
              </Button>
            ) : (
              column.cell(row)
            )}
            {column.opens?.(row)}
          </div>
        ))}
      </div>
      {unfolded && folds && !hasParts && props.detail && (
        <Detail id={id} measure={props.measure}>
          {props.detail(row)}
        </Detail>
      )}
      {props.below?.(row)}
    </div>
  );
});

/** `stop`: as in `TableRowProps`; null where another button of the row may be the stop. */
function Fold(props: { open: boolean; name: string; stop: boolean | null; press: () => void }) {
  return (
    <Button
      class={`rc-fold${props.stop === null ? "" : " rc-opener"}`}
      aria-expanded={props.open}
      aria-label={props.name}
      tabIndex={props.stop ? 0 : -1}
      onClick={props.press}
    >
      <Icon name="chevron" />
    </Button>
  );
}

function Detail(props: { id: string; measure: (id: string, extra: number) => void; children: ComponentChildren }) {
  const { id, measure } = props;
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => measure(id, element.offsetHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, [id, measure]);
  return (
    <div class="rc-detail" role="row" ref={ref}>
      <div role="cell">{props.children ?? <span class="rc-note">Nothing more is known.</span>}</div>
    </div>
  );
}

export function Placeholder({ position, columns }: { position: number; columns: number }) {
  return (
    <div role="row" class="rc-tr rc-tr-waiting" aria-rowindex={position + 2} aria-busy="true">
      <div role="cell" aria-colspan={columns}>
        <i />
      </div>
    </div>
  );
}

/** True for a click that opens a row: it selects no text and follows no link. */
function isPlainClick(event: MouseEvent): boolean {
  if ((event.target as Element).closest("a, button, input, textarea")) return false;
  return (document.getSelection()?.toString() ?? "") === "";
}
