import { deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import loader from "../src/loader";

/** A module that counts its imports. */
const MODULE = `
globalThis.imports = (globalThis.imports ?? 0) + 1;
export default () => ({
  initialize: ({ model }) => { globalThis.begun = model; return () => "ended"; },
  render: ({ el }) => { el.textContent = "drawn"; return () => { el.textContent = ""; }; },
});
`;
const pack = (code: string) => deflateRawSync(code).toString("base64");
let made = 0;
const page = globalThis as unknown as Record<string | symbol, unknown>;

class CodeBlob extends Blob {
  readonly parts: unknown[];
  constructor(parts: BlobPart[], options?: BlobPropertyBag) {
    super(parts, options);
    this.parts = parts;
  }
}

/** A model of a widget whose code model is known after some tries. */
function modelOf(packed: string, { after = 0 } = {}) {
  const traits: Record<string, string> = { packed };
  let asked = 0;
  return {
    get: (_name: "_code") => "IPY_MODEL_1234",
    widget_manager: {
      get_model: async (id: string) => {
        if (id !== "1234" || asked++ < after) throw new Error("model not found");
        return { get: (name: string) => traits[name] };
      },
    },
  };
}

beforeEach(() => {
  // Node.js imports no blobs; it imports a text once.
  vi.stubGlobal("Blob", CodeBlob);
  vi.spyOn(URL, "createObjectURL").mockImplementation(
    (blob) => `data:text/javascript,${encodeURIComponent(`${(blob as CodeBlob).parts[0]}//${made++}`)}`,
  );
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  for (const name of ["imports", "begun", Symbol.for("runconsole.code.1")]) delete page[name];
});

test("two widgets import the code once, and each has its own", async () => {
  const [one, other] = [loader(), loader()];
  const model = modelOf(pack(MODULE));
  const ends = await Promise.all([one.initialize({ model }), other.initialize({ model: modelOf(pack(MODULE)) })]);
  expect(page.imports).toBe(1);
  expect(ends.map((end) => (end as () => string)())).toEqual(["ended", "ended"]);
  const el = document.createElement("div");
  const close = one.render({ model, el }) as () => void;
  expect(el.textContent).toBe("drawn");
  close();
  expect(el.textContent).toBe("");
});

test("another version of the code is imported beside it", async () => {
  await loader().initialize({ model: modelOf(pack(MODULE)) });
  await loader().initialize({ model: modelOf(pack(`${MODULE}// newer`)) });
  expect(page.imports).toBe(2);
});

test("code whose model comes late is awaited", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const widget = loader();
  const begun = widget.initialize({ model: modelOf(pack(MODULE), { after: 3 }) });
  await vi.advanceTimersByTimeAsync(400);
  vi.useRealTimers();
  await begun;
  expect(page.imports).toBe(1);
});

test.each([
  ["no code", async () => modelOf("", { after: 99 }), "The panel's code is not in this page: run the cell again"],
  ["a host without models", async () => ({ get: () => "" }), "The panel's code is not in this page"],
  [
    "an old browser",
    async () => {
      vi.stubGlobal("DecompressionStream", undefined);
      return modelOf(pack(MODULE));
    },
    "The panel needs a newer browser: Chrome 123, Firefox 120, Safari 17.5",
  ],
  ["damaged code", async () => modelOf(pack("export default 1 +;")), ""],
])("%s is said in place of the panel", async (_name, prepared, sentence) => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  vi.spyOn(console, "error").mockImplementation(() => {});
  const [widget, model, el] = [loader(), await prepared(), document.createElement("div")];
  const begun = widget.initialize({ model });
  await vi.advanceTimersByTimeAsync(2000);
  vi.useRealTimers();
  expect(await begun).toBeUndefined();
  const close = widget.render({ model, el }) as () => void;
  const note = el.querySelector("[role=alert]");
  expect(note?.textContent).toContain(sentence);
  expect(note?.textContent).not.toBe("");
  close();
  expect(el.childElementCount).toBe(0);
});

test("code that could not be loaded is loaded for the next widget", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const model = modelOf(pack(MODULE));
  vi.mocked(URL.createObjectURL).mockImplementationOnce(() => "data:text/javascript,no code");
  await loader().initialize({ model });
  expect(page.imports).toBeUndefined();
  await loader().initialize({ model });
  expect(page.imports).toBe(1);
});
