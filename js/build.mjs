/**
 * Builds the front end into the Python package: the modules of the panel and of the board of several runs, and the
 * script of HTML files. Each carries its style sheet.
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

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { widget: "src/widget.tsx", fleet: "src/fleet.tsx", page: "src/page.ts" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: BROWSERS,
  charset: "utf8",
  plugins: [styles],
  define: { "Number.POSITIVE_INFINITY": "Infinity" },
  // Smaller than the automatic runtime, which names the children of each element.
  jsxFactory: "h",
  jsxFragment: "Fragment",
  inject: ["src/jsx.ts"],
  tsconfigRaw: {},
  legalComments: "none",
  logLevel: "warning",
});

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
for (const [name, ceiling] of Object.entries(CEILINGS)) {
  const file = resolve(out, `${name}.js`);
  const plain = await readFile(file);
  const module = packed(plain);
  await writeFile(file, module);
  console.log(`${name}.js: ${kib(module.length)} (${kib(plain.length)} unpacked)`);
  if (module.length > ceiling) throw new Error(`${name}.js is larger than ${kib(ceiling)}`);
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
