import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Area } from "../../src/lab/area";
import type { Components, Document, Lumino, Session, Shell, Signal } from "../../src/lab/host";
import type { Offer } from "../../src/page/sidebar";

class Fired<T> implements Signal<T> {
  readonly slots: ((sender: unknown, value: T) => void)[] = [];
  connect(slot: (sender: unknown, value: T) => void) {
    this.slots.push(slot);
  }
  fire(value: T) {
    for (const slot of this.slots.splice(0)) slot(this, value);
  }
}

/** A widget as far as the area needs one. */
class FakeWidget {
  readonly node = document.createElement("div");
  readonly title = { label: "", caption: "", closable: false, icon: null };
  readonly disposed = new Fired<void>();
  readonly layoutModified = new Fired<void>();
  readonly parent = null;
  id = "";
  isVisible = true;
  isDisposed = false;
  dock: FakeWidget | null = null;
  tabs: FakeWidget[] = [];
  selected: FakeWidget | null = null;

  addClass() {}
  onCloseRequest() {}
  dispose() {
    if (this.isDisposed) return;
    this.isDisposed = true;
    if (this.dock) this.dock.tabs = this.dock.tabs.filter((tab) => tab !== this);
    this.disposed.fire();
  }
  addWidget(widget: FakeWidget, { ref }: { ref: FakeWidget | null }) {
    widget.dock = this;
    this.tabs.splice(ref ? this.tabs.indexOf(ref) + 1 : this.tabs.length, 0, widget);
    this.selected ??= widget;
  }
  selectWidget(widget: FakeWidget) {
    this.selected = widget;
  }
  *selectedWidgets() {
    if (this.selected) yield this.selected;
  }
}

class FakeShell {
  currentWidget: Document | null = null;
  readonly documents: Document[] = [];
  readonly added: FakeWidget[] = [];
  activated = 0;
  widgets() {
    return this.documents;
  }
  add(widget: FakeWidget) {
    this.added.push(widget);
  }
  activateById() {
    this.activated++;
  }
}

interface Panel extends Offer {
  name: string;
  gone: boolean;
  change(): void;
}

let shell: FakeShell;
let area: Area;

function newArea(): void {
  shell = new FakeShell();
  const kinds = { Widget: FakeWidget, SplitPanel: FakeWidget, DockPanelSvg: FakeWidget };
  area = new Area(kinds as unknown as Lumino & Components, shell as unknown as Shell, Promise.resolve(), () => {});
}

function panel(key: string, name = key, kernel?: string): Panel {
  const made: Panel = {
    key,
    name,
    kernel,
    gone: false,
    title: () => made.name,
    dead: () => made.gone,
    change: () => {},
    onChange(callback) {
      made.change = callback;
      return () => {};
    },
    draw(el) {
      el.textContent = `panel ${key}`;
      return () => el.replaceChildren();
    },
  };
  return made;
}

/** A notebook with a kernel, in the main area; a cell with a view of each panel. */
function notebook(kernel: string, ...keys: string[]): Document & { close(): void; cell: HTMLElement } {
  const disposed = new Fired<void>();
  const cell = document.createElement("div");
  for (const key of keys) cell.innerHTML += `<div class="runconsole" data-place="${key}"></div>`;
  const sessionContext: Session = { session: { kernel: { id: kernel } }, disposed };
  const made = { sessionContext, content: { activeCell: { node: cell } }, close: () => disposed.fire(), cell };
  shell.documents.push(made as unknown as Document);
  return made as unknown as Document & { close(): void; cell: HTMLElement };
}

const dock = () => shell.added.findLast(({ isDisposed }) => !isDisposed);
const tabs = () => dock()?.tabs.map(({ title, node }) => `${title.label}: ${node.textContent}`) ?? [];

beforeEach(newArea);
afterEach(() => {
  sessionStorage.clear();
});

describe("the area of the side bar", () => {
  test("is there as long as a panel is open, and shows each panel once", () => {
    const withdraw = area.offer(panel("a"));
    area.offer(panel("b"));
    expect(shell.added).toEqual([]);
    for (const key of ["a", "b", "a", "unknown"]) area.open(key);
    expect(tabs()).toEqual(["a: panel a", "b: panel b"]);
    expect(dock()?.selected?.node.textContent).toBe("panel a");
    expect(shell.activated).toBe(3);
    dock()?.tabs[1]?.onCloseRequest();
    withdraw();
    withdraw();
    expect(dock()).toBeUndefined();
    area.open("a");
    area.open("b");
    expect(tabs()).toEqual(["b: panel b"]);
  });

  test("names a tab by the run, as soon as that is known", () => {
    const offer = panel("a", "");
    area.offer(offer);
    area.open("a");
    expect(tabs()).toEqual(["Run console: panel a"]);
    offer.name = "A run";
    offer.change();
    expect(tabs()).toEqual(["A run: panel a"]);
  });

  test("lets panels go with their notebook", () => {
    const [mine, other] = [notebook("k1"), notebook("k2")];
    area.offer(panel("a", "a", "k1"));
    area.offer(panel("b", "b", "k2"));
    area.open("a");
    area.open("b");
    mine.close();
    expect(tabs()).toEqual(["b: panel b"]);
    expect(area.current()).toBe("b");
    other.close();
    expect(area.current()).toBeUndefined();
  });

  test("comes back after a reload with what was open, the panel in sight in front", async () => {
    for (const key of ["a", "b", "c"]) area.offer(panel(key));
    for (const key of ["a", "b", "c"]) area.open(key);
    dock()?.tabs[1]?.onCloseRequest();
    area.open("c");
    dock()?.layoutModified.fire();
    newArea();
    for (const key of ["c", "b", "a"]) area.offer(panel(key));
    await Promise.resolve();
    expect(tabs()).toEqual(["c: panel c", "a: panel a"]);
    expect(dock()?.selected?.node.textContent).toBe("panel c");
    expect(shell.activated).toBe(1);
  });
});

describe("a panel of a restarted kernel", () => {
  test("gives its place to the next run of its name in its notebook", () => {
    notebook("k1");
    notebook("k2");
    const [old, beside] = [panel("old", "A run", "k1"), panel("beside", "Another run", "k1")];
    for (const offer of [old, beside]) area.offer(offer);
    for (const offer of [old, beside]) area.open(offer.key);
    area.offer(panel("too early", "A run", "k1"));
    old.gone = true;
    area.offer(panel("elsewhere", "A run", "k2"));
    area.offer(panel("of another name", "Yet another", "k1"));
    expect(tabs()).toEqual(["A run: panel old", "Another run: panel beside"]);
    const next = panel("new", "", "k1");
    area.offer(next);
    next.name = "A run";
    next.change();
    expect(tabs()).toEqual(["A run: panel new", "Another run: panel beside"]);
    expect(dock()?.selected?.node.textContent).toBe("panel beside");
  });
});

describe("the command", () => {
  test("means the panel in the active cell, else the newest of the notebook, else the newest", () => {
    const [mine, other] = [notebook("k1", "a"), notebook("k2")];
    for (const offer of [panel("a", "a", "k1"), panel("b", "b", "k1"), panel("c", "c", "k2")]) area.offer(offer);
    expect(area.current()).toBe("c");
    shell.currentWidget = mine;
    expect(area.current()).toBe("a");
    mine.cell.replaceChildren();
    expect(area.current()).toBe("b");
    shell.currentWidget = other;
    expect(area.current()).toBe("c");
  });
});
