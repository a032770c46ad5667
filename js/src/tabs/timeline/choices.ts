/** What a person has chosen for the timeline of a run; it outlives the tab. */

import { useReducer } from "preact/hooks";
import type { LaneKind } from "../../kernel/contract";
import { usePanel } from "../../panel/context";
import type { Store } from "../../state/store";
import { ALL, type Look } from "./scale";

export interface Choices {
  /** null: by what the run tells, see `byOf`. */
  by: LaneKind | null;
  look: Look;
  critical: boolean;
  /** The key of the bar that had the focus. */
  at: string | null;
}

const chosen = new WeakMap<Store, Choices>();

export function useChoices(): [Choices, (change: Partial<Choices>) => void] {
  const { store } = usePanel();
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  const choices = chosen.get(store) ?? { by: null, look: ALL, critical: false, at: null };
  const change = (change: Partial<Choices>) => {
    chosen.set(store, { ...(chosen.get(store) ?? choices), ...change });
    repaint();
  };
  return [choices, change];
}
