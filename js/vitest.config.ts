import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.{ts,tsx}"],
    isolate: false, // a page for each file takes more than its tests; `fakeTime` cleans the one they share
    restoreMocks: true,
    unstubGlobals: true,
  },
});
