/** The artifacts of the run, newest first. */
import { useStore } from "../panel/context";
import { DataTable } from "../ui/table";
import { ARTIFACTS } from "./columns";
import { asker } from "./row-sources";

export function Artifacts() {
  const store = useStore("artifacts", "pages");
  const rows = store.tables.artifacts;
  return (
    <DataTable
      name="Artifacts"
      fills
      empty="No artifacts yet."
      columns={ARTIFACTS}
      rows={rows}
      reversed
      onSeen={asker(store, "artifacts")}
    />
  );
}
