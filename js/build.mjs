/** Builds the panel into the Python package: the widget's ES module, the script of HTML files, and one style sheet. */
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, "../src/runconsole/static");

/** The ceiling of the module: each widget instance may be stored in a notebook. */
const CEILING = 190 * 1024;
/** Our own properties, whose names no message, storage or browser uses: the bundle shortens them. */
const OWN =
  /^(beginning|follow|later|listen|measure|pages|query|silent|want|withdraw|heading|tables|icon|changed|request|hideBelow|detail|note|submit|says|onMessage|onPicture|onHeight|onKernel|beats|sync|dispose|isUnsent|unlock|watch|tail|toEnd|missing|absent|clocks|below|empty|chunk|place|blank|chosen|large|narrow|sign|write|badge|cell|columns|layout|store|tone|atEnd|attachment|blocked|closedFor|dismiss|drafts|dueNow|extras|fetchedAt|generation|growsAtTop|isWhole|lacks|loaded|localNow|locked|onSeen|paged|submission|submissions|reachable|receive|refusal|reversed|revision|rowHeight|searching|selectable|serverNow|startFolded|tagged|ticked|touchedAt|unlocked|viewport|voices|wantLog|fills|foldBelow|folds|headings|inset|inTable|longest|numberOf|openTask|opens|reveal|scroller|scrolls|seconds|showTasks|sorting|stops|unfold|unfolded)$/;

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { widget: "src/widget.tsx", page: "src/page.ts" },
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
for (const name of ["widget.js", "widget.css", "page.js"]) {
  const { size } = await stat(resolve(out, name));
  console.log(`${name}: ${(size / 1024).toFixed(1)} KiB`);
  if (name === "widget.js" && size > CEILING) {
    throw new Error(`${name} is larger than ${CEILING / 1024} KiB`);
  }
}
