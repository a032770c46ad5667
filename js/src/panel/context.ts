/** The context of every view: the store, the clock, and the triggers of a repaint. */
import { createContext } from "preact";
import { useContext, useEffect, useId, useReducer, useRef } from "preact/hooks";
import type { Cancel } from "../page/env";
import type { Store, Topic } from "../state/store";

export interface Panel {
  /** The prefix of the ids of this view's elements: a page may hold several views. */
  prefix: string;
  store: Store;
  ticker: Ticker;
  /** Height of the panel in CSS pixels, unless a person sets another. */
  height: number;
  /** One line is shown, unless a person opens the panel. */
  compact: boolean;
  /** The panel is as high as its place. */
  fill: boolean;
  /** Opens the panel in the host's side bar; undefined where there is none, and in the side bar itself. */
  aside: (() => void) | undefined;
}

const PanelContext = createContext<Panel | null>(null);
export const PanelProvider = PanelContext.Provider;

export function usePanel(): Panel {
  const panel = useContext(PanelContext);
  if (!panel) throw new Error("a view of the panel was rendered outside the panel");
  return panel;
}

const OpenTaskContext = createContext<(taskId: string) => void>(() => {});
export const OpenTaskProvider = OpenTaskContext.Provider;

/** Returns the function that leads to a task, by its id. */
export function useOpenTask(): (taskId: string) => void {
  return useContext(OpenTaskContext);
}

/** The store; the component is painted again when one of the topics changed. */
export function useStore(...topics: Topic[]): Store {
  const { store } = usePanel();
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  const seen = useRef("");
  const revisions = () => topics.map((topic) => store.revision(topic)).join();
  seen.current = revisions();
  // biome-ignore lint/correctness/useExhaustiveDependencies: topics are literals at each place of use
  useEffect(() => {
    const look = () => {
      if (revisions() !== seen.current) repaint();
    };
    look(); // a change may have come between the paint and this effect
    return store.watch(look) as () => void;
  }, [store]);
  return store;
}

/** An id for an element, unique on the page. */
export function useUniqueId(): string {
  return `${usePanel().prefix}-${useId()}`;
}

/** Epoch milliseconds by the kernel's clock; painted again each second while `running`. */
export function useNow(running: boolean): number {
  const { store, ticker } = usePanel();
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => (running ? ticker.watch(repaint) : undefined), [ticker, running]);
  return store.clocks.now();
}

/** One timer for all ticking parts of a view; none while no part ticks. */
export class Ticker {
  readonly #watchers = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | null = null;

  watch(callback: () => void): Cancel {
    this.#watchers.add(callback);
    if (this.#timer === null) {
      this.#timer = setInterval(this.#tick, 1000);
      // A page that was hidden shows the right time as soon as it is visible again.
      document.addEventListener("visibilitychange", this.#tick);
    }
    return () => {
      this.#watchers.delete(callback);
      if (this.#watchers.size === 0) this.stop();
    };
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    document.removeEventListener("visibilitychange", this.#tick);
  }

  readonly #tick = (): void => {
    if (document.hidden) return;
    for (const callback of [...this.#watchers]) callback();
  };
}
