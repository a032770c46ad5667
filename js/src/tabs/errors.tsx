/** The errors of the run, newest first; an opened one shows its stack trace. */
import type { ErrorRow } from "../kernel/contract";
import { useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import { Text } from "../ui/icons";
import { DataTable } from "../ui/table";
import { ERRORS } from "./columns";
import { logSource } from "./row-sources";
import { Saved } from "./saved";

export function Errors() {
  const store = useStore("errors", "pages", "attachment");
  const source = logSource(store, "errors");
  return (
    <>
      <Saved absent={source.absent} here={source.rows.total} />
      <DataTable
        name="Errors"
        fills
        empty="No errors."
        columns={ERRORS}
        rows={source.rows}
        reversed
        detail={errorDetail}
        label={errorLabel}
        onSeen={source.want}
      />
    </>
  );
}

const errorLabel = (row: ErrorRow) =>
  [row.error_type, row.task_name ?? row.task].filter(Boolean).join(" in ") || row.message.slice(0, 60);
const errorDetail = (row: ErrorRow) => <ErrorDetail row={row} />;

function ErrorDetail({ row }: { row: ErrorRow }) {
  const { message, stack } = useFull("errors", row);
  return (
    <>
      <p class="rc-prose">
        <Text>{message}</Text>
      </p>
      {stack ? <pre class="rc-pre">{stack}</pre> : <p class="rc-note">No stack trace came with this error.</p>}
    </>
  );
}
