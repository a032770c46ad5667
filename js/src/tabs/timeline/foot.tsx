/** Below the lanes: the slowest tasks. */

import type { TimelineSlow, TimelineWindow } from "../../kernel/contract";
import { Button } from "../../ui/button";
import { duration } from "../../ui/format";
import { lengthOf } from "./words";

export function Foot(props: { window: TimelineWindow; now: number; reveal: (slow: TimelineSlow) => void }) {
  const { window, now, reveal } = props;
  return (
    <div class="rc-tl-slowest" role="group" aria-label="Slowest tasks" hidden={window.slowest.length < 2}>
      <span class="rc-note">Slowest</span>
      {window.slowest.map((slow, at) => (
        <Button
          key={slow.key}
          class="rc-tl-slow"
          aria-label={`Show ${slow.name}, ${duration(lengthOf(slow, now))}`}
          title={slow.name}
          onClick={() => reveal(slow)}
        >
          <b data-count={at + 1} />
          <span class="rc-clip">{slow.name}</span> <span class="rc-note">{duration(lengthOf(slow, now))}</span>
        </Button>
      ))}
    </div>
  );
}
