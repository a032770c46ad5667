import { afterEach, describe, expect, test, vi } from "vitest";
import { container } from "../../src/lab/entry";
import { SIDE_BAR, sideBar } from "../../src/page/sidebar";

const page = globalThis as unknown as Record<symbol, unknown> & { _JUPYTERLAB: Record<string, unknown> };

/** The shared modules of a page; the tokens of its own copy are those that it can provide. */
function modules(from: string, tokens: object = {}) {
  const module = (exports: object) => ({
    "9.9.9": { from: "another-extension", get: async () => () => ({}) },
    "4.0.0": { from, get: async () => () => exports },
  });
  return {
    "@jupyterlab/application": module(tokens),
    "@jupyterlab/apputils": module({ ICommandPalette: "palette" }),
    "@jupyterlab/ui-components": module({ DockPanelSvg: class {} }),
    "@lumino/widgets": module({ Widget: class {}, SplitPanel: class {} }),
  };
}

interface Plugin {
  id: string;
  requires?: unknown[];
  optional: unknown[];
  activate(app: unknown, shell: unknown, palette: unknown): void;
}

async function plugin(shared: ReturnType<typeof modules>): Promise<Plugin> {
  container.init(shared);
  return (await container.get("./extension"))() as Plugin;
}

function app() {
  return { restored: Promise.resolve(), commands: { addCommand: vi.fn(), notifyCommandChanged: vi.fn() } };
}

afterEach(() => {
  Reflect.deleteProperty(page, SIDE_BAR);
});

describe("the extension of JupyterLab", () => {
  test("is where JupyterLab looks for it", () => {
    expect(page._JUPYTERLAB.runconsole).toBe(container);
  });

  test("takes the page's own copies of shared modules", async () => {
    const made = await plugin(modules("@jupyterlab/application-top", { ILabShell: "shell" }));
    expect([made.id, made.optional, made.requires]).toEqual(["runconsole:side-bar", ["shell", "palette"], undefined]);
  });

  test("adds a command that waits for a panel", async () => {
    const made = await plugin(modules("@jupyterlab/application-top", { ILabShell: "shell" }));
    const [host, palette] = [app(), { addItem: vi.fn() }];
    made.activate(host, { currentWidget: null, widgets: () => [] }, palette);
    const [name, command] = host.commands.addCommand.mock.calls[0] ?? [];
    expect([name, command.label, command.isEnabled()]).toEqual([
      "runconsole:open-in-side-bar",
      "Open in Side Bar",
      false,
    ]);
    expect(palette.addItem).toHaveBeenCalledWith({ command: name, category: "Run Console" });
    expect(() => command.execute()).not.toThrow();
    sideBar()?.offer({
      key: "a",
      kernel: undefined,
      title: () => "A run",
      dead: () => false,
      onChange: () => () => {},
      draw: () => () => {},
    });
    expect(command.isEnabled()).toBe(true);
    expect(host.commands.notifyCommandChanged).toHaveBeenCalledWith(name);
  });

  test("does nothing in a host without the shell of JupyterLab", async () => {
    const made = await plugin(modules("@jupyter-notebook/app"));
    const host = app();
    made.activate(host, null, { addItem: vi.fn() });
    expect(host.commands.addCommand).not.toHaveBeenCalled();
    expect(sideBar()).toBeUndefined();
  });

  test("says what it lacks", async () => {
    await expect(container.get("./style")).rejects.toThrow("expected the module ./extension, got ./style");
    container.init({});
    await expect(container.get("./extension")).rejects.toThrow("expected the page to share @jupyterlab/application");
  });
});
