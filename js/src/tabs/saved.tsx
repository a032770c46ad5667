/** A line about rows that a recording no longer has. */
import { count, plural } from "../ui/format";

export function Saved({ absent, here }: { absent: number; here: number }) {
  if (absent === 0) return null;
  return (
    <p class="rc-note rc-saved">
      {plural(here, "row")} saved with the notebook, {count(absent)} not.
    </p>
  );
}
