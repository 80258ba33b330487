// Lists of ten thousand: few rows exist at a time, every one is reached by the wheel and by keys.
import { expect, type Locator, type Page } from "@playwright/test";

import { own, signIn, site, test } from "./site";

const ALL = 10_000;
/** As many as fill the screen, those kept ready beyond it, and the one with the focus. */
const MOST_IN_DOM = 60;

const rowsIn = (grid: Locator) => grid.locator("[role=row][data-index]");

const indexOfFocus = (page: Page) =>
  page.evaluate(() => Number(document.activeElement?.getAttribute("data-index") ?? Number.NaN));

/** Turns the wheel until the row stands there; fails where more rows than allowed exist on the way. */
async function wheelTo(page: Page, grid: Locator, index: number) {
  await rowsIn(grid).first().hover();
  await expect(async () => {
    await page.mouse.wheel(0, 8_000);
    expect(await rowsIn(grid).count()).toBeLessThanOrEqual(MOST_IN_DOM);
    await expect(grid.locator(`[data-index="${index}"]`)).toBeVisible({ timeout: 100 });
  }).toPass({ timeout: 40_000, intervals: [0] });
}

/** Presses End until the row has the focus: it jumps to the last one that is loaded. */
async function pressTo(page: Page, index: number, key = "End") {
  await expect(async () => {
    await page.keyboard.press(key);
    expect(await indexOfFocus(page)).toBe(index);
  }).toPass({ timeout: 40_000, intervals: [50] });
}

test("ten thousand events: few exist at a time, all are reached", async ({ page }) => {
  await signIn(page, "/monitoring?range=all&namespace=shop");
  const grid = page.getByRole("grid", { name: "Admission events" });
  await expect(grid.getByText("web-00000", { exact: true })).toBeVisible();
  await expect(grid).toHaveAttribute("aria-rowcount", "-1");
  await wheelTo(page, grid, ALL - 1);
  await expect(grid.getByText("web-09999", { exact: true })).toBeVisible();
  await expect(grid).toHaveAttribute("aria-rowcount", String(ALL + 1));
  await expect(page.getByText("10,000 rows", { exact: true })).toBeVisible();

  await rowsIn(grid).last().focus();
  await pressTo(page, 0, "Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("PageDown");
  await expect.poll(() => indexOfFocus(page)).toBe(11);
  // Scrolled far away from, the keyboard still goes on from where it was.
  await page.mouse.wheel(0, 100_000);
  await expect(grid.locator('[data-index="2500"]')).toBeVisible();
  expect(await indexOfFocus(page)).toBe(11);
  await page.keyboard.press("ArrowUp");
  await expect.poll(() => indexOfFocus(page)).toBe(10);
  await expect(grid.getByText("web-00010", { exact: true })).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "web-00010" })).toBeVisible();
});

test("ten thousand events are reached by keys alone", async ({ page }) => {
  await signIn(page, "/monitoring?range=all&namespace=shop&grouped=off");
  const grid = page.getByRole("grid", { name: "Admission events" });
  await rowsIn(grid).first().focus();
  await pressTo(page, ALL - 1);
  expect(await rowsIn(grid).count()).toBeLessThanOrEqual(MOST_IN_DOM);
  await expect(grid.getByText("web-09999", { exact: true })).toBeInViewport();
});

test("ten thousand findings of an image: sorted, filtered, grouped, and few in the page at a time", async ({ page }) => {
  const digest = own(site().filledImage);
  await signIn(page, `/registries/registry.example/${encodeURIComponent("shop/web")}/${digest}`);
  await expect(page.getByText("10,000 findings", { exact: true })).toBeVisible({ timeout: 30_000 });
  const grid = page.getByRole("grid", { name: "Findings" });
  await expect(grid).toHaveAttribute("aria-rowcount", String(ALL + 1));
  await page.getByRole("button", { name: "Vulnerability" }).click();
  await expect(rowsIn(grid).first()).toContainText("CVE-2024-10000");
  await rowsIn(grid).first().focus();
  await pressTo(page, ALL - 1);
  await expect(rowsIn(grid).last()).toContainText("CVE-2024-19999");
  expect(await rowsIn(grid).count()).toBeLessThanOrEqual(MOST_IN_DOM);
  await pressTo(page, 0, "Home");
  await wheelTo(page, grid, ALL - 1);
  await page.getByLabel("Search by id, package or path").fill("CVE-2024-1234");
  await expect(page.getByText("10 of 10,000 findings", { exact: true })).toBeVisible();
  await page.getByLabel("Search by id, package or path").fill("");
  await page.getByRole("combobox", { name: "Grouping" }).click();
  await page.getByRole("option", { name: "By evidence path" }).click();
  await expect(grid).toHaveAttribute("aria-rowcount", String(ALL + 1));
  expect(await rowsIn(grid).count()).toBeLessThanOrEqual(MOST_IN_DOM);
});
