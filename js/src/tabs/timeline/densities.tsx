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
      {density.failed.some(Boolean) && (
        <path class="rc-tl-failed" d={stretches(density.failed, (share) => [0, 6 + share * 0.3])} />
      )}
      {path && <path class="rc-tl-path" d={stretches(density.critical, () => [92, 100])} />}
    </svg>
  );
}

/** A stretch for each value above zero, from a height to another one. */
function stretches(values: readonly number[], heights: (value: number) => [number, number]): string {
  const width = 100 / values.length;
  return values
    .map((value, at) => {
      if (value === 0) return "";
      const [top, bottom] = heights(value);
      return `M${(at * width).toFixed(2)} ${top}h${width.toFixed(2)}V${bottom}h-${width.toFixed(2)}Z`;
    })
    .join("");
}
