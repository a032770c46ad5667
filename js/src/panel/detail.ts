/** A row in full, where the picture had to cut it. */
import { useEffect, useState } from "preact/hooks";
import type { Row, TableName } from "../kernel/contract";
import { usePanel } from "./context";

export interface Whole<R extends Row> {
  row: R;
  /** A part of it is missing here. */
  lacks: boolean;
}

/** The row itself, and the whole of it as soon as the kernel has sent it. */
export function useFull<R extends Row>(table: TableName, row: R): R {
  return useWhole(table, row).row;
}

export function useWhole<R extends Row>(table: TableName, row: R): Whole<R> {
  const { store } = usePanel();
  const [full, setFull] = useState<R | null>(null);
  const isCut = (row.cut?.length ?? 0) > 0;
  useEffect(() => {
    if (!isCut) return undefined;
    return store.details.row(table, row.key, (whole) => {
      if (whole) setFull(whole as R);
    });
  }, [store, table, row, isCut]);
  const isHere = full !== null && full.key === row.key;
  return { row: isCut && isHere ? { ...row, ...onlyCut(row, full) } : row, lacks: isCut && !isHere };
}

/** The fields that were cut, from the whole row: the others are newer in the present row. */
function onlyCut<R extends Row>(row: R, whole: R): Partial<R> {
  const fields = (row.cut ?? []).map((name) => name.split(".")[0] ?? name) as (keyof R)[];
  return Object.fromEntries(fields.filter((name) => name in whole).map((name) => [name, whole[name]])) as Partial<R>;
}
