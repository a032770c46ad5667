/** A row in full, where the picture had to cut it. */
import { useEffect, useState } from "preact/hooks";
import type { Row, TableName } from "../model";
import { usePanel } from "./context";

/** The row itself, and the whole of it as soon as the kernel has told. */
export function useFull<R extends Row>(table: TableName, row: R): R {
  const { store } = usePanel();
  const [full, setFull] = useState<{ of: R; row: R } | null>(null);
  const isCut = (row.cut?.length ?? 0) > 0;
  useEffect(() => {
    if (!isCut) return undefined;
    return store.detail(table, row.key, (whole) => {
      if (whole) setFull({ of: row, row: whole as R });
    });
  }, [store, table, row, isCut]);
  return full !== null && full.of.key === row.key && isCut ? { ...row, ...onlyCut(row, full.row) } : row;
}

/** The fields that were cut, from the whole row: the others are newer in the row we have. */
function onlyCut<R extends Row>(row: R, whole: R): Partial<R> {
  const fields = (row.cut ?? []).map((name) => name.split(".")[0] ?? name) as (keyof R)[];
  return Object.fromEntries(fields.filter((name) => name in whole).map((name) => [name, whole[name]])) as Partial<R>;
}
