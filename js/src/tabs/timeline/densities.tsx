/** Densities as areas: the whole run in the overview, a lane where its bars would be too many. */

import type { TimelineDensity } from "../../kernel/contract";

/** An area in a box of 100 × 100, of values in percent. */
export function area(values: readonly number[], base = 100): string {
  const width = 100 / values.length;
  const top = values.map((value, at) => {
    const y = Math.round(base - (value * base) / 100);
    return `H${(at * width).toFixed(2)}V${y}`;
  });
  return `M0 ${base}${top.join("")}H100V${base}Z`;
}

export function Density({ density, path = false }: { density: TimelineDensity; path?: boolean }) {
  return (
    <svg class="rc-tl-density" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <path class="rc-tl-busy" d={area(density.busy)} />
      {density.asked.some(Boolean) && <path class="rc-tl-asked" d={area(density.asked)} />}
      {density.failed.some(Boolean) && <path class="rc-tl-failed" d={ticks(density.failed, 0, 12)} />}
      {path && <path class="rc-tl-path" d={ticks(density.critical, 92, 100)} />}
    </svg>
  );
}

/** A stretch at the upper or lower edge for each value above zero. */
function ticks(values: readonly number[], top: number, bottom: number): string {
  const width = 100 / values.length;
  return values
    .map((value, at) =>
      value > 0 ? `M${(at * width).toFixed(2)} ${top}h${width.toFixed(2)}V${bottom}h-${width.toFixed(2)}Z` : "",
    )
    .join("");
}
