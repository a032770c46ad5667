/** Text on one line, cut off where its column ends. */
import type { ComponentChildren } from "preact";

export function Clip({ title, children }: { title?: string | undefined; children: ComponentChildren }) {
  return (
    <span class="rc-clip" title={title}>
      {children}
    </span>
  );
}
