/**
 * A view of the panel in the page. A host that paints an output anew (JupyterLab does when its text is updated) removes
 * the old node and asks for another view: it gets the removed one, with its tab, filters, scroll positions and focus.
 */
import { render as draw } from "preact";
import type { Port } from "../kernel/port";
import { App } from "../panel/app";
import { Ticker } from "../panel/context";
import type { Store } from "../state/store";
import looks from "../styles/index.css";
import { attend } from "./attention";
import { browserEnv } from "./env";
import { canReplaceReports } from "./report";
import { style } from "./styling";

/** Milliseconds after the loss of focus in which a removed view gets it back. */
const FOCUS_MS = 1000;
/** Milliseconds in which a released view may get another place. */
const RELEASED_MS = 500;

export interface View {
  /** Moves below another node if the host has removed the view, and will not put it back; returns true if it moved. */
  move(el: HTMLElement): boolean;
  /** Returns a function that releases it; with the last one it is removed. */
  use(): () => void;
}

interface Options {
  /** The panel is as high as `el`. */
  fill?: boolean;
  /** Opens the panel in the host's side bar. */
  aside?: (() => void) | undefined;
}

/** Draws a panel below `el`; `gone` is called when all users have released it. */
export function openView(
  store: Store,
  port: Port,
  el: HTMLElement,
  gone: (view: View) => void,
  { fill = false, aside }: Options = {},
): View {
  const root = document.createElement("div");
  root.className = "runconsole";
  root.dataset.place = port.place();
  if (fill) root.style.height = "100%";
  el.append(root);
  style(root, looks);
  const ticker = new Ticker();
  const prefix = `rc-${browserEnv.id()}`;
  const paint = () =>
    draw(<App panel={{ prefix, store, ticker, height: port.height(), compact: port.compact(), fill, aside }} />, root);
  paint();
  const stops = [store.open(), port.onSize(paint), attend(store), () => ticker.stop()];
  const restore = watchPlace(root);
  let users = 0;
  let wasShown = false;
  new ResizeObserver(() => {
    wasShown ||= root.isConnected;
  }).observe(root);
  const close = () => {
    for (const stop of stops.splice(0)) stop();
    draw(null, root);
    gone(view);
  };
  const view: View = {
    move(to) {
      // JupyterLab removes whole cells that are out of sight from the page, and brings them back.
      const isLeft = wasShown && !root.isConnected && !root.closest(".jp-OutputArea-output");
      if (isLeft) {
        to.append(root);
        restore();
      }
      return isLeft;
    },
    use() {
      let used = true;
      users += 1;
      return () => {
        // Hosts may call it twice: by the signal, and by the result of `render`.
        if (!used) return;
        used = false;
        users -= 1;
        if (users > 0) return;
        root.remove();
        if (wasShown && canReplaceReports()) setTimeout(() => users || close(), RELEASED_MS);
        else close();
      };
    },
  };
  return view;
}

/** Tracks the scroll positions and the focus in a panel; returns a function that restores them in a new place. */
function watchPlace(root: HTMLElement): () => void {
  const scrolled = new Map<Element, [number, number]>();
  let focused: HTMLElement | null = null;
  let lostAt = 0;
  root.addEventListener(
    "scroll",
    ({ target }) => {
      const element = target as Element;
      if (root.isConnected) scrolled.set(element, [element.scrollLeft, element.scrollTop]);
    },
    true,
  );
  root.addEventListener("focusin", ({ target }) => {
    focused = target as HTMLElement;
    lostAt = Number.POSITIVE_INFINITY;
  });
  root.addEventListener("focusout", () => {
    lostAt = Date.now();
  });
  // The host puts the panel into the page before it is painted next, or not at all.
  return () =>
    requestAnimationFrame(() => {
      for (const [element, [left, top]] of scrolled) element.scroll(left, top);
      if (document.activeElement === document.body && Date.now() - lostAt < FOCUS_MS) {
        focused?.focus({ preventScroll: true });
      }
    });
}
