import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { AxeResults } from "axe-core";
import type { Page } from "@playwright/test";

import { still } from "./views";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WATCHED = ["serious", "critical"];

/** What axe calls serious or critical on the page as it stands, in both themes, one line a fault. */
export async function faults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-theme=${colorScheme}]`).waitFor({ state: "attached" });
    await still(page);
    // The themes differ in their colours alone.
    found.push(...(await look(page, colorScheme === "dark" ? ["color-contrast"] : null)).map((line) => `${colorScheme}: ${line}`));
  }
  return found;
}

async function look(page: Page, rules: string[] | null): Promise<string[]> {
  const results = await page.evaluate(
    (only) =>
      (window as unknown as { axe: { run: (what: object, how: object) => Promise<AxeResults> } }).axe.run(
        // Fluent's focus traps: they pass the focus on the moment they get it.
        { exclude: [["[data-tabster-dummy]"]] },
        { resultTypes: ["violations"], ...(only ? { runOnly: only } : {}) },
      ),
    rules,
  );
  return results.violations
    .filter((violation) => WATCHED.includes(violation.impact ?? ""))
    .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}
