/**
 * Outputs that hold a report of the run and no view: the panel takes the report's place for as long as its model lives.
 * The kernel writes them (`src/runconsole/widget/host.py`), so that the file shows the report where there is no kernel.
 */
import type { Cancel } from "./env";

const NAME = "runconsole-report";
/** Milliseconds after which a report that has left the page is gone; a host that paints it anew brings another. */
const GONE_MS = 500;

/** Draws the panel below an element; returns a function that releases it. */
type Draw = (el: HTMLElement) => Cancel;

/** The reports in the page, and the panels for them. */
class Reports {
  readonly #draws = new Map<string, Draw>();
  /** The reports, each with the function that releases its panel, if it has one. */
  readonly #shown = new Map<HTMLElement, Cancel | null>();

  offer(name: string, draw: Draw): Cancel {
    this.#draws.set(name, draw);
    for (const report of this.#shown.keys()) this.#fill(report);
    return () => {
      this.#draws.delete(name);
      for (const [report, release] of this.#shown) if (nameOf(report) === name) release?.();
    };
  }

  enter(report: HTMLElement): void {
    if (!this.#shown.has(report)) this.#shown.set(report, null);
    this.#fill(report);
  }

  leave(report: HTMLElement): void {
    setTimeout(() => {
      // JupyterLab removes outputs that are out of sight or collapsed, and brings them back.
      if (report.isConnected || report.closest(".jp-OutputArea")) return;
      this.#shown.get(report)?.();
      this.#shown.delete(report);
    }, GONE_MS);
  }

  #fill(report: HTMLElement): void {
    const draw = this.#draws.get(nameOf(report));
    if (!draw || this.#shown.get(report)) return;
    // The sentence before it belongs to the report, and the host's styles for documents to what it has rendered.
    report.previousSibling?.remove();
    report.parentElement?.classList.remove("jp-RenderedHTMLCommon");
    this.#shown.set(report, draw(report));
  }
}

const nameOf = (report: Element) => report.getAttribute("data-place") ?? "";

/** One for the page. Each widget may bring its own copy of this module, so a module's variable would not do. */
function ofPage(): Reports | null {
  const name = Symbol.for("runconsole.reports.1");
  const page = globalThis as unknown as Record<symbol, Reports | undefined>;
  if (page[name]) return page[name];
  if (!globalThis.customElements || customElements.get(NAME)) return null;
  const reports = new Reports();
  customElements.define(
    NAME,
    class extends HTMLElement {
      connectedCallback() {
        reports.enter(this);
      }
      disconnectedCallback() {
        reports.leave(this);
      }
    },
  );
  page[name] = reports;
  return reports;
}

/** Puts panels in place of the reports of this name until the returned function is called. */
export function replaceReports(name: string, draw: Draw): Cancel {
  return (name && ofPage()?.offer(name, draw)) || (() => {});
}

/** True if the page is a notebook that can put a panel in place of its report. */
export function canReplaceReports(): boolean {
  return document.querySelector(".jp-NotebookPanel") !== null && ofPage() !== null;
}
