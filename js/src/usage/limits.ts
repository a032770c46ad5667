/** Words about the used part of a limit, from three quarters on. */

export const STEPS = [75, 90, 100] as const;

/** The used part of a limit in percent; null where one of both is unknown. */
export function usedShare(used: number | null, limit: number | null): number | null {
  return used === null || limit === null || limit <= 0 ? null : (used / limit) * 100;
}

/** The last of `STEPS` that the part has reached; 0 for none. */
export function stepOf(share: number | null): number {
  return STEPS.findLast((step) => share !== null && share >= step) ?? 0;
}

/** "92 % used", "limit reached", "over the limit"; null below three quarters. */
export function limitWords(share: number | null): string | null {
  if (share === null || stepOf(share) === 0) return null;
  return share > 100 ? "over the limit" : share === 100 ? "limit reached" : `${Math.floor(share)} % used`;
}

export function limitTone(share: number | null): "running" | "paused" | "failed" {
  const step = stepOf(share);
  return step === 100 ? "failed" : step > 0 ? "paused" : "running";
}
