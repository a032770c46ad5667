/** The state of one view: its tab and its size, kept for the next page. */
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useMemo, useState } from "preact/hooks";
import type { TaskStatus } from "../kernel/contract";
import { browserEnv } from "../page/env";
import { recall, remember, type ViewState } from "../state/memory";
import { usePanel } from "./context";

export interface View extends ViewState {
  change: (change: ViewState) => void;
  /** It covers the whole page. */
  maximised: boolean;
  maximise: (on: boolean) => void;
  /** The drawer over the content. */
  drawer: DrawerState;
  openDrawer: (drawer: DrawerState) => void;
  /** The id of the task whose drawer is open. */
  task: string | null;
  /** Opens the drawer of a task, over any tab; null closes it. */
  openTask: (id: string | null) => void;
  /** Shows the tasks of a status. */
  showTasks: (status: TaskStatus) => void;
}

/** One question by its key, the list of all, the list of the keys, the charts of the run, or nothing. */
export type DrawerState = { readonly key: string; readonly from: "line" | "list" } | "list" | "keys" | "usage" | null;

const ViewContext = createContext<View | null>(null);
export const ViewProvider = ViewContext.Provider;

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("a part of the panel was rendered outside a view");
  return view;
}

/** The view of a panel. A person's choices go before the ones in the cell. */
export function useNewView(): View {
  const { compact, fill } = usePanel();
  const run = useRun();
  const [chosen, choose] = useState<ViewState>({});
  const [maximised, maximise] = useState(false);
  const [drawer, openDrawer] = useState<DrawerState>(null);
  const [task, setTask] = useState<string | null>(null);
  const openTask = useCallback((id: string | null) => {
    setTask(id);
    if (id !== null) openDrawer(null); // it would lie over the task
  }, []);
  const change = useCallback(
    (change: ViewState) => {
      choose((before) => ({ ...before, ...change }));
      if (run !== null) remember(browserEnv, run, change);
    },
    [run],
  );
  const showTasks = useCallback(
    (status: TaskStatus) => change({ tab: "Tasks", tasks: { status, sort: null, descending: false } }),
    [change],
  );
  const kept = useMemo(() => (run === null ? {} : recall(browserEnv, run)), [run]);
  const states = { ...kept, ...chosen, maximised, drawer, task };
  if (fill) states.compact = false; // its room is there already
  return { compact, ...states, change, maximise, openDrawer, openTask, showTasks };
}

/** The address of the run; null before the first picture. Nothing else of the head matters to the view. */
function useRun(): string | null {
  const { store } = usePanel();
  const [run, setRun] = useState(store.head?.url ?? null);
  useEffect(() => {
    const look = () => setRun(store.head?.url ?? null);
    look(); // the first picture may have come between the paint and this effect
    return store.listen(["head"], look);
  }, [store]);
  return run;
}
