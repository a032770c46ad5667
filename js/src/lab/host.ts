/** The part of JupyterLab and of its widgets that the extension uses; the page shares these modules. */

export interface Signal<T> {
  connect(slot: (sender: unknown, value: T) => void): unknown;
}

export interface Title {
  label: string;
  caption: string;
  closable: boolean;
  icon: { render(host: HTMLElement): void };
}

export interface Widget {
  id: string;
  readonly node: HTMLElement;
  readonly title: Title;
  readonly parent: Widget | null;
  readonly isVisible: boolean;
  readonly disposed: Signal<void>;
  dispose(): void;
  onCloseRequest(message: unknown): void;
  onAfterShow(message: unknown): void;
  onAfterHide(message: unknown): void;
  addClass(name: string): void;
}

export interface DockPanel extends Widget {
  readonly layoutModified: Signal<void>;
  widgets(): Iterable<Widget>;
  selectedWidgets(): Iterable<Widget>;
  addWidget(widget: Widget, options?: { mode?: "tab-after"; ref?: Widget | null }): void;
  selectWidget(widget: Widget): void;
}

export interface SplitPanel extends Widget {
  readonly widgets: readonly Widget[];
  relativeSizes(): number[];
  setRelativeSizes(sizes: number[]): void;
}

/** `@lumino/widgets`. */
export interface Lumino {
  Widget: new (options?: { node?: HTMLElement }) => Widget;
  SplitPanel: new () => SplitPanel;
}

/** `@jupyterlab/ui-components`. */
export interface Components {
  /** A dock whose tabs have the icons of JupyterLab. */
  DockPanelSvg: new (options?: {
    tabsConstrained?: boolean;
  }) => DockPanel;
}

/** The kernel of a document, for as long as any view of the document is open. */
export interface Session {
  readonly session?: { readonly kernel?: { readonly id: string } | null } | null;
  readonly disposed: Signal<void>;
}

/** A notebook, a console, or any other widget of the main area. */
export interface Document extends Widget {
  readonly content?: { readonly activeCell?: Widget | null };
  readonly sessionContext?: Session;
}

export interface Shell {
  readonly currentWidget: Document | null;
  widgets(area: "main"): Iterable<Document>;
  add(widget: Widget, area: "right", options: { rank: number; type: string }): void;
  activateById(id: string): void;
}

interface Command {
  label: string;
  caption: string;
  isEnabled(): boolean;
  execute(): void;
}

export interface App {
  /** Resolves when the layout of the page is as it was before a reload. */
  readonly restored: Promise<unknown>;
  readonly commands: {
    addCommand(id: string, command: Command): unknown;
    notifyCommandChanged(id: string): void;
  };
}

export interface Palette {
  addItem(item: { command: string; category: string }): unknown;
}
