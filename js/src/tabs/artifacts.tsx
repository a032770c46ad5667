/** The artifacts of the run, newest first. */
import { useStore } from "../panel/context";
import { DataTable } from "../ui/table";
import { ARTIFACTS } from "./columns";
import { logSource } from "./row-sources";
import { Saved } from "./saved";

export function Artifacts() {
  const store = useStore("artifacts", "pages", "attachment");
  const source = logSource(store, "artifacts");
  return (
    <>
      <Saved absent={source.absent} here={source.rows.total} />
      <DataTable
        name="Artifacts"
        fills
        empty="No artifacts yet."
        columns={ARTIFACTS}
        rows={source.rows}
        reversed
        onSeen={source.want}
      />
    </>
  );
}
