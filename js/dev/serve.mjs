/** Serves the dev page: `npm run dev`, then the address it prints, with the options that page.ts names. */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";
import { styles } from "../styles.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const building = await context({
  absWorkingDir: resolve(here, ".."),
  entryPoints: { page: "dev/page.ts", fleet: "dev/fleet.ts" },
  outdir: here,
  write: false,
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  sourcemap: "inline",
  plugins: [styles],
});
const { port } = await building.serve({ servedir: here, host: "127.0.0.1", port: Number(process.env.PORT ?? 0) });
console.log(`http://127.0.0.1:${port}/?run=execution`);
