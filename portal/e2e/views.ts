import type { Page } from "@playwright/test";

/** A state of the portal that is looked at and checked as a whole. */
export interface View {
  name: string;
  path: string;
  /** What a person does on the page to get there. */
  act?: (page: Page) => Promise<void>;
}

const panel = (page: Page) => page.getByRole("dialog");

async function openTab(page: Page, name: string) {
  await page.getByRole("link", { name: "Lab example" }).click();
  await panel(page).getByRole("tab", { name }).click();
}

/** All pages, with their panels, for one who is signed in. */
export const VIEWS: readonly View[] = [
  { name: "rules", path: "/rules" },
  {
    name: "rules-chosen",
    path: "/rules",
    act: (page) => page.getByRole("checkbox", { name: "Select Lab example" }).check(),
  },
  { name: "rules-none-found", path: "/rules?search=nothing-has-this-name" },
  {
    name: "rule-new",
    path: "/rules/new",
    act: async (page) => {
      await panel(page).getByRole("button", { name: "Add condition" }).click();
      await panel(page).getByRole("radio", { name: "Chosen clusters" }).click();
      await panel(page).getByLabel("Condition values").fill("a*");
      await panel(page).getByLabel("Condition values").press("Enter");
    },
  },
  { name: "rule-details", path: "/rules", act: (page) => openTab(page, "Details") },
  { name: "rule-conditions", path: "/rules", act: (page) => openTab(page, "Scan conditions") },
  {
    name: "rule-exemptions",
    path: "/rules",
    act: async (page) => {
      await openTab(page, "Exemptions");
      await panel(page).getByRole("button", { name: "Add allowed vulnerabilities" }).click();
      await panel(page).getByRole("textbox", { name: "Vulnerability" }).last().fill("not an id");
      await panel(page).getByRole("switch", { name: "Time bound" }).last().click();
      await panel(page).getByRole("button", { name: "Add exemption" }).click();
      await page.getByRole("menuitem", { name: "Namespace" }).click();
    },
  },
  { name: "policy-object", path: "/rules/policy-object" },
  { name: "monitoring", path: "/monitoring?range=all" },
  {
    name: "monitoring-event",
    path: "/monitoring?range=all&action=audit",
    act: async (page) => {
      await page.getByRole("row").nth(1).click();
      await panel(page).getByText("Trigger details").waitFor();
    },
  },
  {
    name: "monitoring-findings",
    path: "/monitoring?range=all&action=audit",
    act: async (page) => {
      await page.getByRole("row").nth(1).click();
      await panel(page).getByRole("tab", { name: /Counted/ }).scrollIntoViewIfNeeded();
      await panel(page).getByRole("grid").scrollIntoViewIfNeeded();
    },
  },
  {
    name: "monitoring-add-filter",
    path: "/monitoring?range=all&kind=Pod",
    act: (page) => page.getByRole("button", { name: "Add filter" }).click(),
  },
  { name: "monitoring-none-found", path: "/monitoring?rule=no-such-rule" },
  { name: "not-found", path: "/no-such-page" },
];

/** Waits until nothing on the page loads or moves. */
export async function settled(page: Page) {
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
  await page.locator(".fui-Spinner, .fui-Skeleton").first().waitFor({ state: "detached" });
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => undefined))),
  );
}
