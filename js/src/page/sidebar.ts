/**
 * The side bar of JupyterLab, as the panels of a page see it: an object that the extension (`../lab/`) puts into the
 * page. Extension and panels may be of different versions, since a kernel may have a package of its own: whatever
 * changes here needs another name.
 */
import type { Cancel } from "./env";

export const SIDE_BAR = Symbol.for("runconsole.sidebar.1");

/** A panel for the side bar. */
export interface Offer {
  /** It stays the same when the page is reloaded. */
  readonly key: string;
  /** The id of its kernel, as the host reports it. */
  readonly kernel: string | undefined;
  /** The run's title or address; empty before the first picture. */
  title(): string;
  /** True if its kernel has been restarted or shut down. */
  dead(): boolean;
  /** Calls back when one of these changed. */
  onChange(callback: () => void): Cancel;
  /** Draws a view that fills the element; returns a function that removes it. */
  draw(el: HTMLElement): Cancel;
}

export interface SideBar {
  /** Takes a panel in, for its own button and for the command; the returned function withdraws it. */
  offer(panel: Offer): Cancel;
  /** Opens the panel; one that is open comes to the front. */
  open(key: string): void;
}

/** The side bar of the page; undefined where the extension is not installed, or the host has no side bar. */
export function sideBar(): SideBar | undefined {
  return (globalThis as unknown as Record<symbol, SideBar | undefined>)[SIDE_BAR];
}
