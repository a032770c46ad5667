/** Writes the dev page to a folder, for tests: `node dev/build.mjs FOLDER`. */
import { copyFile } from "node:fs/promises";
import { resolve } from "node:path";
import { build } from "esbuild";
import { here, page } from "./bundle.mjs";

const outdir = resolve(process.argv[2]);
await build({ ...page, outdir });
await copyFile(resolve(here, "index.html"), resolve(outdir, "index.html"));
