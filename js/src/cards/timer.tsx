/** The remaining time of a question, and the reason why it is urgent. */

import type { CheckpointRow } from "../kernel/contract";
import { isLastMinute } from "../page/attention";
import type { Store } from "../state/store";
import { clock, countdown } from "../ui/format";
import { Icon } from "../ui/icons";
import { labelOf } from "./wording";

/** `brief`: the time alone. Counts by the server's clock, from its deadline: a page that slept shows the right time at once. */
export function Timer({ row, store, brief = false }: { row: CheckpointRow; store: Store; brief?: boolean }) {
  if (row.deadline === null) return null;
  const now = store.clocks.dueNow();
  const here = clock(store.clocks.here(row.deadline));
  if (store.attachment === "recorded") {
    return (
      <span class="rc-timer rc-tone-quiet" role="timer">
        <Icon name="clock" />
        until {here}
      </span>
    );
  }
  const left = (row.deadline - now) / 1000;
  const label = labelOf(row, row.default_action);
  const tone = left <= 0 ? "cancelled" : isLastMinute(row, now) || row.reminded ? "failed" : left < 120 ? "paused" : "";
  return (
    <span class={`rc-timer rc-tone-${tone || "quiet"}`} role="timer" title={`until ${here}`}>
      <Icon name="clock" />
      {timeText(left, label, brief)}
    </span>
  );
}

function timeText(left: number, label: string | null, brief: boolean): string {
  if (left <= 0) return "time is up";
  if (brief) return countdown(left);
  return label ? `auto: ${label} in ${countdown(left)}` : `${countdown(left)} left`;
}

/** The reason why this question is urgent, in words. */
export function Urgent({ row, last }: { row: CheckpointRow; last: boolean }) {
  const label = labelOf(row, row.default_action);
  return (
    <>
      {last && (
        <p class="rc-urgent rc-tone-failed">
          <Icon name="clock" />
          Last minute{label && `: after it, the run goes on with ${label}`}
        </p>
      )}
      {row.reminded && (
        <p class="rc-urgent rc-tone-paused">
          <Icon name="bell" />
          Reminder: the run still waits for your answer
        </p>
      )}
    </>
  );
}
