/** The panel's surroundings as an interface, so that tests can replace them. */

/** Ends something started; safe to call twice. */
export type Cancel = () => void;

export interface Env {
  /** Epoch milliseconds by the browser's clock. */
  now(): number;
  later(ms: number, work: () => void): Cancel;
  /** Runs `work` before the next paint; waits while the page is hidden. */
  frame(work: () => void): Cancel;
  /** A fresh id for a request. */
  id(): string;
  /** The text that the tab keeps under a name beyond a reload of the page; null for none. */
  kept(name: string): string | null;
  /** Keeps a text, null for none. Does nothing in a tab without storage. */
  keep(name: string, text: string | null): void;
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
  // A page may have no storage, a full one, or one that refuses: it is a convenience that nothing depends on.
  kept(name) {
    try {
      return globalThis.sessionStorage?.getItem(name) ?? null;
    } catch {
      return null;
    }
  },
  keep(name, text) {
    try {
      if (text === null) globalThis.sessionStorage?.removeItem(name);
      else globalThis.sessionStorage?.setItem(name, text);
    } catch {
      // As above: the typed text stays in the page.
    }
  },
};
