/** Serves the dev page: `npm run dev`, then the address it prints, with the options that page.ts names. */
import { context } from "esbuild";
import { here, page } from "./bundle.mjs";

const building = await context({ ...page, write: false, sourcemap: "inline" });
const { port } = await building.serve({ servedir: here, host: "127.0.0.1", port: Number(process.env.PORT ?? 0) });
console.log(`http://127.0.0.1:${port}/?run=execution`);
