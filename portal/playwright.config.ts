import { defineConfig } from "@playwright/test";

/** One installation for all tests: they run one after the other and read what the one before did. */
export default defineConfig({
  testDir: "e2e",
  globalSetup: "./e2e/setup.ts",
  workers: 1,
  fullyParallel: false,
  // On a busy machine everything takes several times as long, and is right all the same.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1440, height: 900 },
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    },
  },
  projects: [
    { name: "browser", testIgnore: /screens\.spec/ },
    { name: "screens", testMatch: /screens\.spec/ },
  ],
});
