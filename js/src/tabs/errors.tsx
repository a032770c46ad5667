/** The errors of the run, newest first; an opened one shows its stack trace. */
import type { ErrorRow } from "../kernel/contract";
import { useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import { Text } from "../ui/icons";
import { DataTable } from "../ui/table";
import { ERRORS } from "./columns";
import { asker } from "./row-sources";

export function Errors() {
  const store = useStore("errors", "pages");
  const rows = store.tables.errors;
  return (
    <DataTable
      name="Errors"
      fills
      empty="No errors."
      columns={ERRORS}
      rows={rows}
      reversed
      detail={errorDetail}
      onSeen={asker(store, "errors")}
    />
  );
}

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
