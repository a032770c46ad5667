/** Many errors of one kind in a short time: one notice, until it has passed. */
import { Button } from "../ui/button";
import { count, plural, ticking } from "../ui/format";
import { Icon, Text } from "../ui/icons";
import { useNow, useStore } from "./context";
import { useView } from "./view";

/** Milliseconds without such an error after which a storm has passed. */
const PASSED_MS = 60_000;

export function StormNotice() {
  const { head, clocks } = useStore("head");
  const { change } = useView();
  const storm = head?.ended_at === null ? head.storm : null;
  useNow(Boolean(storm));
  if (!storm || clocks.serverNow() - storm.at > PASSED_MS) return null;
  const tasks = storm.tasks > 1 ? ` in ${plural(storm.tasks, "task")}` : "";
  return (
    <div class="rc-strip rc-strip-paused">
      <Icon name="warn" tone="paused" />
      <span>
        <b>
          {storm.type ?? "Errors"} × {count(storm.count)}
        </b>
        {tasks} within {ticking((storm.at - storm.since) / 1000)}: <Text>{storm.message}</Text>
      </span>
      <Button class="rc-button rc-small" onClick={() => change({ tab: "Errors" })}>
        Show errors
      </Button>
    </div>
  );
}
