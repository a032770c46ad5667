/**
 * Builds the front end into the Python package: the modules of the panel and of the board of several runs, and the
 * script of HTML files, each with its style sheet; and the extension of JupyterLab.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { BROWSERS, styles } from "./styles.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, "../src/runconsole/static");

/** The ceilings of the modules: each widget instance may be stored in a notebook. */
const CEILINGS = { widget: 140 * 1024, fleet: 40 * 1024 };

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
await build({
  ...COMMON,
  entryPoints: { widget: "src/widget.tsx", fleet: "src/fleet.tsx", page: "src/page.ts" },
  outdir: out,
  format: "esm",
  plugins: [styles],
  define: { "Number.POSITIVE_INFINITY": "Infinity" },
  // Smaller than the automatic runtime, which names the children of each element.
  jsxFactory: "h",
  jsxFragment: "Fragment",
  inject: ["src/jsx.ts"],
  tsconfigRaw: {},
});
await buildExtension(resolve(out, "lab"));

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
for (const [name, ceiling] of Object.entries(CEILINGS)) {
  const file = resolve(out, `${name}.js`);
  const plain = await readFile(file);
  const module = packed(plain);
  await writeFile(file, module);
  console.log(`${name}.js: ${kib(module.length)} (${kib(plain.length)} unpacked)`);
  if (module.length > ceiling) throw new Error(`${name}.js is larger than ${kib(ceiling)}`);
}

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

/** A module that unpacks another one and exports the same: half of its size. Hosts load modules from blobs themselves. */
function packed(code) {
  return [
    `const packed=Uint8Array.from(atob("${gzipSync(code, { level: 9 }).toString("base64")}"),(c)=>c.charCodeAt(0));`,
    'const unpacking=new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));',
    'const url=URL.createObjectURL(new Blob([await new Response(unpacking).text()],{type:"text/javascript"}));',
    "let panel;",
    "try{panel=await import(url)}finally{URL.revokeObjectURL(url)}",
    "export default panel.default;",
    "",
  ].join("\n");
}
