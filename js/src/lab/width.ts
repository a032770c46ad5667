/** The width of the side bar: JupyterLab opens it with about 250 pixels, in which no table can be read. */
import type { Lumino, SplitPanel, Widget } from "./host";

/** CSS pixels. A narrower side bar gets the width, if half of the window is enough for it. */
const NARROW = 380;
const WIDTH = 480;

export function widen(area: Widget, { SplitPanel }: Lumino): void {
  // The host lays out a side bar that it has just opened before the next paint.
  requestAnimationFrame(() => {
    let side: Widget = area;
    while (side.parent && !(side.parent instanceof SplitPanel)) side = side.parent;
    const split = side.parent as SplitPanel | null;
    if (!split || !area.isVisible || side.node.clientWidth >= NARROW) return;
    const sizes = split.relativeSizes();
    const own = split.widgets.indexOf(side);
    const widest = sizes.indexOf(Math.max(...sizes));
    const wanted = Math.min(WIDTH / split.node.clientWidth, 0.5);
    const more = wanted - (sizes[own] ?? 0);
    if (widest === own || more <= 0) return;
    split.setRelativeSizes(
      sizes.map((size, index) => (index === own ? wanted : index === widest ? Math.max(size - more, 0) : size)),
    );
  });
}
