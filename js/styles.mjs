import { build } from "esbuild";

export const BROWSERS = ["es2022", "chrome123", "firefox120", "safari17.5"];

/** A plugin of esbuild: a style sheet with its imports is a text, which the module that shows the panel carries. */
export const styles = {
  name: "styles",
  setup(bundle) {
    bundle.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const made = await build({ entryPoints: [path], bundle: true, minify: true, target: BROWSERS, write: false });
      return { contents: made.outputFiles[0].text.trim(), loader: "text" };
    });
  },
};
