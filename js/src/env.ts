/** What the panel needs of its surroundings, so that tests can bring their own. */

/** Ends what was started; safe to call twice. */
export type Cancel = () => void;

export interface Env {
  /** Epoch milliseconds by the browser's clock. */
  now(): number;
  later(ms: number, work: () => void): Cancel;
  /** Runs `work` before the next paint; waits while the page is hidden. */
  frame(work: () => void): Cancel;
  /** A fresh id for a request. */
  id(): string;
}

export const browserEnv: Env = {
  now: () => Date.now(),
  later(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  frame(work) {
    const request = requestAnimationFrame(() => work());
    return () => cancelAnimationFrame(request);
  },
  // randomUUID exists only in secure contexts, and a notebook server may be plain http.
  id: () => crypto.randomUUID?.() ?? `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`,
};
