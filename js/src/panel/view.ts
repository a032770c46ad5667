/** The state of one view: its tab and its size, kept for the next page. */
import { createContext } from "preact";
import { useCallback, useContext, useState } from "preact/hooks";
import { browserEnv } from "../page/env";
import { recall, remember, type ViewState } from "../state/memory";
import { useStore } from "./context";

export interface View extends ViewState {
  change: (change: ViewState) => void;
  /** It covers the whole page. */
  maximised: boolean;
  maximise: (on: boolean) => void;
}

const ViewContext = createContext<View | null>(null);
export const ViewProvider = ViewContext.Provider;

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("a part of the panel was rendered outside a view");
  return view;
}

/** The view of a panel. A person's choices go before the ones in the cell. */
export function useNewView(): View {
  const store = useStore("head");
  const run = store.head?.url ?? null;
  const [chosen, choose] = useState<ViewState>({});
  const [maximised, maximise] = useState(false);
  const change = useCallback(
    (change: ViewState) => {
      choose((before) => ({ ...before, ...change }));
      if (run !== null) remember(browserEnv, run, change);
    },
    [run],
  );
  const kept = run === null ? {} : recall(browserEnv, run);
  return { ...kept, ...chosen, change, maximised, maximise };
}
