// No page has a fault that axe calls serious or critical, in either theme.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { AxeResults } from "axe-core";
import { expect, test, type Page } from "@playwright/test";

import { prepare, signIn, site } from "./site";
import { VIEWS, settled } from "./views";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WATCHED = ["serious", "critical"];

test.beforeAll(prepare);

/** What is wrong on the page, one line a fault. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate(() =>
    (window as unknown as { axe: { run: (what: object, how: object) => Promise<AxeResults> } }).axe.run(
      // Fluent's focus traps: they pass the focus on the moment they get it.
      { exclude: [["[data-tabster-dummy]"]] },
      { resultTypes: ["violations"] },
    ),
  );
  return results.violations
    .filter((violation) => WATCHED.includes(violation.impact ?? ""))
    .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

for (const theme of ["light", "dark"] as const) {
  test.describe(`no serious fault, ${theme}`, () => {
    let page: Page;

    test.beforeAll(async ({ browser }) => {
      page = await browser.newPage({ colorScheme: theme });
      await page.goto(site().portal);
    });

    test.afterAll(() => page.close());

    test("sign-in", async () => {
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      expect(await faults(page)).toEqual([]);
      await signIn(page);
    });

    for (const view of VIEWS) {
      test(view.name, async () => {
        await page.goto(site().portal + view.path);
        await settled(page);
        await view.act?.(page);
        await settled(page);
        expect(await faults(page)).toEqual([]);
      });
    }
  });
}
