/** The anywidget module: one store per widget model, one panel per view. */

import { ModelPort, type WidgetModel } from "./kernel/port";
import { offerAside } from "./page/aside";
import { browserEnv } from "./page/env";
import { openView, type View } from "./page/mounting";
import { replaceReports } from "./page/report";
import { Store } from "./state/store";

interface Mount {
  model: WidgetModel;
  el: HTMLElement;
  /** Newer hosts abort it when the view is removed; older ones call the function that `render` returned. */
  signal?: AbortSignal;
}

/** Hosts call the default export once per model, so its objects are shared by the views of that model alone. */
export default function widget() {
  let store: Store | null = null;
  let aside: (() => void) | undefined;
  const views = new Set<View>();

  /** The store, as long as anything uses it. */
  function storeOf(model: WidgetModel): Store {
    store ??= new Store(new ModelPort(model), browserEnv);
    return store;
  }

  function initialize({ model, signal }: { model: WidgetModel; signal?: AbortSignal }): () => void {
    const port = new ModelPort(model);
    const leave = replaceReports(port.place(), (el) => render({ model, el }));
    const side = offerAside(storeOf(model), port);
    aside = side?.open;
    const end = () => {
      leave();
      side?.withdraw();
      store?.dispose();
      store = null;
    };
    signal?.addEventListener("abort", end);
    return end;
  }

  function render({ model, el, signal }: Mount): () => void {
    const view =
      [...views].find((other) => other.move(el)) ??
      openView(storeOf(model), new ModelPort(model), el, (gone) => views.delete(gone), { aside });
    views.add(view);
    const unmount = view.use();
    signal?.addEventListener("abort", unmount);
    return unmount;
  }

  return { initialize, render };
}
