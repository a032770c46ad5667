/** The area "Run console" of JupyterLab's right side bar: a tab for each panel in it. */
import type { Cancel } from "../page/env";
import type { Offer, SideBar } from "../page/sidebar";
import type { Components, DockPanel, Lumino, Session, Shell, Widget } from "./host";
import { Keep } from "./keep";
import { widen } from "./width";

const ID = "runconsole-sidebar";
/** Behind the areas of JupyterLab itself. */
const RANK = 900;
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16" fill="none" stroke-width="1.3" ' +
  'stroke-linecap="round" stroke-linejoin="round"><g class="jp-icon-selectable jp-icon3" stroke="#616161">' +
  '<path d="M1.7 3h12.6v10H1.7zM4.5 6.2l2 1.8-2 1.8m4 0h3"/></g></svg>';

/** A panel that may be opened. */
interface Entry {
  readonly offer: Offer;
  /** The kernel of its notebook. */
  readonly session: Session | undefined;
  /** Its tab here while it is open. */
  widget: Widget | null;
}

export class Area implements SideBar {
  readonly #shell: Shell;
  /** Resolves when the host has laid out the page as it was before a reload. */
  readonly #restored: Promise<unknown>;
  /** Called when a panel was offered or withdrawn. */
  readonly #changed: () => void;
  readonly #lumino: Lumino & Components;
  /** By the key; the newest is the last. */
  readonly #entries = new Map<string, Entry>();
  readonly #keep = new Keep();
  #dock: DockPanel | null = null;

  constructor(lumino: Lumino & Components, shell: Shell, restored: Promise<unknown>, changed: () => void) {
    this.#lumino = lumino;
    this.#shell = shell;
    this.#restored = restored;
    this.#changed = changed;
  }

  offer(offer: Offer): Cancel {
    const session = this.#sessionOf(offer);
    const entry: Entry = { offer, session, widget: null };
    this.#entries.set(offer.key, entry);
    if (this.#keep.has(offer.key)) void this.#restored.then(() => this.#restore(entry));
    const refresh = () => (entry.widget ? label(entry) : this.#replaceDead(entry));
    const stop = offer.onChange(refresh);
    refresh();
    const withdraw = () => {
      stop();
      if (this.#isOffered(entry)) this.#entries.delete(offer.key);
      entry.widget?.dispose();
      this.#changed();
    };
    session?.disposed.connect(withdraw);
    this.#changed();
    return withdraw;
  }

  open(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) this.#reveal(entry.widget ?? this.#add(entry));
  }

  /** The key of the panel in the active cell, else of the newest one of the notebook, else of the newest one. */
  current(): string | undefined {
    const document = this.#shell.currentWidget;
    const views = document?.content?.activeCell?.node.querySelectorAll<HTMLElement>(".runconsole") ?? [];
    const inCell = [...views].map((view) => view.dataset.place);
    const entries = [...this.#entries.values()].reverse();
    const found =
      entries.find(({ offer }) => inCell.includes(offer.key)) ??
      entries.find(({ session }) => session && session === document?.sessionContext) ??
      entries[0];
    return found?.offer.key;
  }

  #sessionOf({ kernel }: Offer): Session | undefined {
    if (kernel === undefined) return undefined;
    const documents = [...this.#shell.widgets("main")];
    return documents.find(({ sessionContext }) => sessionContext?.session?.kernel?.id === kernel)?.sessionContext;
  }

  #isOffered(entry: Entry): boolean {
    return this.#entries.get(entry.offer.key) === entry;
  }

  #restore(entry: Entry): void {
    if (entry.widget || !this.#isOffered(entry)) return;
    const wasShown = this.#keep.isShown(entry.offer.key);
    const widget = this.#add(entry);
    if (wasShown) this.#reveal(widget);
  }

  /** A run that goes on in a restarted kernel takes the place of its panel, which nothing will change any more. */
  #replaceDead(entry: Entry): void {
    const { offer, session } = entry;
    const title = offer.title();
    if (!title || offer.dead()) return;
    for (const other of this.#entries.values()) {
      const { widget } = other;
      if (!widget || !other.offer.dead() || other.offer.title() !== title || other.session !== session) continue;
      const wasSelected = this.#selected() === widget;
      const added = this.#add(entry, widget);
      this.#keep.remove(other.offer.key);
      widget.dispose();
      if (wasSelected) this.#dock?.selectWidget(added);
      return;
    }
  }

  #add(entry: Entry, beside: Widget | null = null): Widget {
    this.#keep.add(entry.offer.key);
    const widget = this.#panel(entry.offer);
    entry.widget = widget;
    label(entry);
    this.#dock ??= this.#newDock();
    this.#dock.addWidget(widget, { mode: "tab-after", ref: beside });
    widget.disposed.connect(() => {
      entry.widget = null;
      if (![...this.#entries.values()].some(({ widget }) => widget)) this.#dock?.dispose();
    });
    return widget;
  }

  #panel(offer: Offer): Widget {
    const keep = this.#keep;
    class Panel extends this.#lumino.Widget {
      override onCloseRequest(): void {
        keep.remove(offer.key);
        this.dispose();
      }
    }
    const panel = new Panel();
    const remove = offer.draw(panel.node);
    panel.disposed.connect(remove);
    panel.title.closable = true;
    return panel;
  }

  #newDock(): DockPanel {
    const note = () => this.#noteShown();
    class Dock extends this.#lumino.DockPanelSvg {
      override onAfterShow(): void {
        note();
      }
      override onAfterHide(): void {
        note();
      }
    }
    const dock = new Dock({ tabsConstrained: true });
    dock.id = ID;
    dock.addClass("jp-RunConsole");
    dock.node.setAttribute("role", "complementary");
    dock.node.setAttribute("aria-label", "Run consoles");
    dock.title.caption = "Run console";
    dock.title.icon = {
      render(host) {
        host.innerHTML = ICON;
      },
    };
    dock.layoutModified.connect(note);
    dock.disposed.connect(() => {
      this.#dock = null;
    });
    this.#shell.add(dock, "right", { rank: RANK, type: "Run Console" });
    return dock;
  }

  #selected(): Widget | undefined {
    return this.#dock ? [...this.#dock.selectedWidgets()].at(-1) : undefined;
  }

  #noteShown(): void {
    const selected = this.#dock?.isVisible && this.#selected();
    const shown = [...this.#entries.values()].find(({ widget }) => widget && widget === selected);
    this.#keep.show(shown?.offer.key ?? "");
  }

  #reveal(widget: Widget): void {
    if (!this.#dock) return;
    this.#dock.selectWidget(widget);
    this.#shell.activateById(ID);
    widen(this.#dock, this.#lumino);
  }
}

/** Names the panel's tab by its run. */
function label({ offer, widget }: Entry): void {
  if (widget) widget.title.label = widget.title.caption = offer.title() || "Run console";
}
