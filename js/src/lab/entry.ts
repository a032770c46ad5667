/**
 * The JupyterLab extension: panels in the side bar. A container of module federation, written by hand: it takes the
 * few shared modules that it needs from the page, so that it is small and needs no builder.
 */
import { SIDE_BAR } from "../page/sidebar";
import { Area } from "./area";
import type { App, Components, Lumino, Palette, Shell } from "./host";

const COMMAND = "runconsole:open-in-side-bar";

/** The shared modules of a page: by name and version. */
type Shared = Record<string, Record<string, { get(): Promise<() => unknown>; from?: string }>>;

let shared: Shared = {};

/** The page's own copy of a module: another extension may bring one too. */
async function load<T>(name: string): Promise<T> {
  const versions = Object.values(shared[name] ?? {});
  const found = versions.find(({ from }) => from?.startsWith("@jupyter")) ?? versions[0];
  if (!found) throw new Error(`expected the page to share ${name}, found none`);
  return (await found.get())() as T;
}

async function plugin(): Promise<unknown> {
  const [application, apputils, components, lumino] = await Promise.all([
    load<{ ILabShell: unknown }>("@jupyterlab/application"),
    load<{ ICommandPalette: unknown }>("@jupyterlab/apputils"),
    load<Components>("@jupyterlab/ui-components"),
    load<Lumino>("@lumino/widgets"),
  ]);
  return {
    id: "runconsole:side-bar",
    description: "Opens the panels of runs in the side bar.",
    autoStart: true,
    // Notebook 7 has no such shell: nothing is added there.
    optional: [application.ILabShell, apputils.ICommandPalette],
    activate(app: App, shell: Shell | null, palette: Palette | null): void {
      if (shell) start(app, { ...lumino, ...components }, shell, palette);
    },
  };
}

function start(app: App, lumino: Lumino & Components, shell: Shell, palette: Palette | null): void {
  const area = new Area(lumino, shell, app.restored, () => app.commands.notifyCommandChanged(COMMAND));
  app.commands.addCommand(COMMAND, {
    label: "Open in Side Bar",
    caption: "Open the panel of the active cell, or the newest one of the notebook, in the side bar",
    isEnabled: () => area.current() !== undefined,
    execute() {
      const key = area.current();
      if (key !== undefined) area.open(key);
    },
  });
  palette?.addItem({ command: COMMAND, category: "Run Console" });
  (globalThis as unknown as Record<symbol, Area>)[SIDE_BAR] = area;
}

export const container = {
  init(scope: Shared): void {
    shared = scope;
  },
  async get(module: string): Promise<() => unknown> {
    if (module !== "./extension") throw new Error(`expected the module ./extension, got ${module}`);
    const made = await plugin();
    return () => made;
  },
};

const page = globalThis as unknown as { _JUPYTERLAB?: Record<string, unknown> };
page._JUPYTERLAB ??= {};
page._JUPYTERLAB.runconsole = container;
