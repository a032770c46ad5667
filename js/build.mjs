/**
 * Builds the front end into the Python package: the modules and style sheets of the panel and of the board of several
 * runs, and the script of HTML files.
 */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { nest, shorten } from "./nest.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, "../src/runconsole/static");

/** The ceilings of module and style sheet: each widget instance may be stored in a notebook. */
const CEILINGS = { widget: 140 * 1024, fleet: 40 * 1024 };
/** Our own properties, whose names no message, storage or browser uses: the bundle shortens them. */
const OWN =
  /^(beginning|follow|later|listen|measure|pages|silent|want|withdraw|heading|tables|icon|changed|request|hideBelow|detail|note|submit|says|onMessage|onPicture|onSize|onKernel|beats|sync|dispose|isUnsent|unlock|watch|tail|toEnd|missing|absent|clocks|below|empty|chunk|blank|chosen|large|narrow|sign|write|badge|cell|columns|layout|store|tone|atEnd|attachment|blocked|closedFor|dismiss|drafts|dueNow|extras|fetchedAt|generation|growsAtTop|isWhole|lacks|loaded|localNow|locked|onSeen|paged|submission|submissions|reachable|receive|refusal|reversed|revision|rowHeight|searching|selectable|serverNow|startFolded|tagged|ticked|touchedAt|unlocked|viewport|voices|wantLog|foldBelow|folds|headings|inset|inTable|longest|numberOf|openTask|opens|reveal|scroller|scrolls|seconds|showTasks|sorting|stops|unfold|unfolded)$/;

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { widget: "src/widget.tsx", fleet: "src/fleet.tsx", page: "src/page.ts" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox120", "safari17.5"],
  charset: "utf8",
  mangleProps: OWN,
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
  const script = resolve(out, `${name}.js`);
  const plain = await readFile(script);
  await writeFile(script, packed(plain));
  const style = resolve(out, `${name}.css`);
  await writeFile(style, shorten(nest(await readFile(style, "utf8"))));
  const [code, looks] = await Promise.all([script, style].map(async (file) => (await stat(file)).size));
  console.log(`${name}.js: ${kib(code)} (${kib(plain.length)} unpacked), ${name}.css: ${kib(looks)}`);
  if (code + looks > ceiling) throw new Error(`${name}.js and ${name}.css are larger than ${kib(ceiling)}`);
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
