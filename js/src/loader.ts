/**
 * The module that each widget carries. It takes the panel's own module from the one model that holds it for all widgets
 * of a kernel (`src/runconsole/widget/code.py`), so that a saved notebook stores it once.
 */

interface CodeModel {
  get(name: "packed"): unknown;
}

interface Model {
  readonly widget_manager?: { get_model(id: string): Promise<CodeModel | undefined> } | null;
  get(name: "_code"): unknown;
}

interface Widget {
  initialize?(context: { model: Model }): unknown;
  render(context: { model: Model; el: HTMLElement }): unknown;
}

/** The content of a code model: an anywidget module. */
interface Code {
  default: Widget | (() => Widget | Promise<Widget>);
}

/** A model that is being restored may not be known yet. anywidget waits two seconds for all of this. */
const TRIES = 12;
const PAUSE_MS = 100;

const NO_CODE =
  "The panel's code is not in this page: run the cell again, or save the notebook with the state of its widgets.";
const OLD_BROWSER =
  "The panel needs a newer browser: Chrome 123, Firefox 120, Safari 17.5, or later (this one has no DecompressionStream).";

async function codeOf(model: Model): Promise<CodeModel> {
  const id = String(model.get("_code")).replace("IPY_MODEL_", "");
  for (let tries = 1; ; tries += 1) {
    const found = await model.widget_manager?.get_model(id).catch(() => undefined);
    if (found) return found;
    if (tries === TRIES) throw new Error(NO_CODE);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function unpacked(text: string): Promise<Code> {
  if (!globalThis.DecompressionStream) throw new Error(OLD_BROWSER);
  const packed = new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("deflate-raw"));
  // As anywidget loads the modules of its widgets.
  const url = URL.createObjectURL(new Blob([await new Response(stream).text()], { type: "text/javascript" }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The modules of the page, each imported once, by the text that they are packed in. */
function imported(packed: string): Promise<Code> {
  const page = globalThis as unknown as Record<symbol, Map<string, Promise<Code>> | undefined>;
  const name = Symbol.for("runconsole.code.1");
  page[name] ??= new Map();
  const modules = page[name];
  const known = modules.get(packed);
  if (known) return known;
  const made = unpacked(packed);
  modules.set(packed, made);
  made.catch(() => modules.delete(packed));
  return made;
}

export default () => {
  let widget: Widget | undefined;
  let problem = "";

  return {
    async initialize(context: { model: Model }): Promise<unknown> {
      try {
        const code = await imported(String((await codeOf(context.model)).get("packed")));
        widget = typeof code.default === "function" ? await code.default() : code.default;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
        console.error(error);
        return undefined;
      }
      return widget.initialize?.(context);
    },
    render(context: { model: Model; el: HTMLElement }): unknown {
      if (widget) return widget.render(context);
      const note = document.createElement("p");
      note.setAttribute("role", "alert");
      note.textContent = problem;
      context.el.append(note);
      return () => note.remove();
    },
  };
};
