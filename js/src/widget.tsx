/** The anywidget module: one store per widget model, one panel per view. */
import { render as draw } from "preact";
import { attend } from "./attention";
import { browserEnv } from "./env";
import { ModelPort, type WidgetModel } from "./model";
import "./styles/index.css";
import { Store } from "./store";
import { App } from "./views/app";
import { Ticker } from "./views/context";

interface Mount {
  model: WidgetModel;
  el: HTMLElement;
  /** Newer hosts abort it when the view goes; older ones call what `render` returned. */
  signal?: AbortSignal;
}

/** Hosts call the default export once per model, so what is made here is shared by the views of that model alone. */
export default function widget() {
  let store: Store | null = null;

  /** The store as long as anything uses it. */
  function storeOf(model: WidgetModel): Store {
    store ??= new Store(new ModelPort(model), browserEnv);
    return store;
  }

  function initialize({ model, signal }: { model: WidgetModel; signal?: AbortSignal }): () => void {
    storeOf(model);
    const end = () => {
      store?.dispose();
      store = null;
    };
    signal?.addEventListener("abort", end, { once: true });
    return end;
  }

  function render({ model, el, signal }: Mount): () => void {
    const unmount = mount(storeOf(model), new ModelPort(model), el);
    signal?.addEventListener("abort", unmount, { once: true });
    return unmount;
  }

  return { initialize, render };
}

function mount(store: Store, port: ModelPort, el: HTMLElement): () => void {
  const root = document.createElement("div");
  root.className = "runconsole";
  el.append(root);
  const ticker = new Ticker();
  const prefix = `rc-${browserEnv.id()}`;
  const paint = () => draw(<App panel={{ prefix, store, ticker, height: port.height() }} />, root);
  paint();
  const close = store.open();
  const stopAttention = attend(store);
  const stopHeight = port.onHeight(paint);
  let mounted = true;
  return () => {
    if (!mounted) return;
    mounted = false;
    close();
    stopHeight();
    stopAttention();
    draw(null, root);
    ticker.stop();
    root.remove();
  };
}
