import { defineConfig } from "vitest/config";

// The suites that start real agents; `npm run test:agents` installs those and runs these.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    pool: "forks",
    include: ["*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
