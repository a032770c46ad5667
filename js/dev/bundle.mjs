/** The options of esbuild for the dev page. */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { styles } from "../styles.mjs";

export const here = dirname(fileURLToPath(import.meta.url));

export const page = {
  absWorkingDir: resolve(here, ".."),
  entryPoints: { page: "dev/page.ts", fleet: "dev/fleet.ts" },
  outdir: here,
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [styles],
};
