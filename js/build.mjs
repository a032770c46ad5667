/**
 * Builds the front end into the Python package: the modules of the panel and of the board of several runs, packed; the
 * module that loads them; the script of HTML files; and the extension of JupyterLab. Panel, board and script carry their
 * style sheet. js/dist has the modules before they are packed.
 */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { build } from "esbuild";
import { BROWSERS, styles } from "./styles.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, "../src/runconsole/static");
const plain = resolve(here, "dist");

/** The ceilings of the packed modules: a notebook may store each once. */
const CEILINGS = { widget: 140 * 1024, fleet: 40 * 1024 };
/** The ceiling of the loader: a notebook may store it with each widget. */
const LOADER_CEILING = 2 * 1024;

const COMMON = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: BROWSERS,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

await mkdir(out, { recursive: true });
await build({ ...COMMON, entryPoints: { loader: "src/loader.ts" }, outdir: out, format: "esm" });
const PANEL = {
  ...COMMON,
  format: "esm",
  plugins: [styles],
  define: { "Number.POSITIVE_INFINITY": "Infinity" },
  // Smaller than the automatic runtime, which names the children of each element.
  jsxFactory: "h",
  jsxFragment: "Fragment",
  inject: ["src/jsx.ts"],
  tsconfigRaw: {},
};
await build({ ...PANEL, entryPoints: { page: "src/page.ts" }, outdir: out });
await build({ ...PANEL, entryPoints: { widget: "src/widget.tsx", fleet: "src/fleet.tsx" }, outdir: plain });
await buildExtension(resolve(out, "lab"));

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
for (const [name, ceiling] of Object.entries(CEILINGS)) {
  const code = await readFile(resolve(plain, `${name}.js`));
  const packed = deflateRawSync(code, { level: 9 }).toString("base64");
  await writeFile(resolve(out, `${name}.packed`), packed);
  console.log(`${name}.js: ${kib(code.length)}, ${kib(packed.length)} packed`);
  if (packed.length > ceiling) throw new Error(`${name}.packed is larger than ${kib(ceiling)}`);
}
const { size } = await stat(resolve(out, "loader.js"));
if (size > LOADER_CEILING) throw new Error(`loader.js is larger than ${kib(LOADER_CEILING)}: ${kib(size)}`);

/** Writes the folder that JupyterLab reads: the container, and the files that name it and its version. */
async function buildExtension(folder) {
  const load = "static/remoteEntry.js";
  await build({ ...COMMON, entryPoints: ["src/lab/entry.ts"], outfile: resolve(folder, load), format: "iife" });
  const [, version] = /__version__ = "(.+)"/.exec(await readFile(resolve(out, "../version.py"), "utf8"));
  const about = {
    name: "runconsole",
    version,
    description: "Panels of runs in the side bar of JupyterLab.",
    license: "MIT",
    jupyterlab: { extension: true, _build: { load, extension: "./extension" } },
  };
  const install = {
    packageManager: "python",
    packageName: "runconsole",
    uninstallInstructions: "Use pip or conda to uninstall the package runconsole",
  };
  await writeFile(resolve(folder, "package.json"), `${JSON.stringify(about, null, 2)}\n`);
  await writeFile(resolve(folder, "install.json"), `${JSON.stringify(install, null, 2)}\n`);
}
