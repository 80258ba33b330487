import path from "node:path";

import type { Page } from "@playwright/test";

/** A state of the portal that is looked at and checked as a whole. */
export interface View {
  name: string;
  path: string;
  /** What a person does on the page to get there. */
  act?: (page: Page) => Promise<void>;
}

const panel = (page: Page) => page.getByRole("dialog");
const question = (page: Page) => page.getByRole("alertdialog");

async function openTab(page: Page, name: string) {
  await page.getByRole("link", { name: "Lab example" }).click();
  await panel(page).getByRole("tab", { name }).click();
}

const mainLink = (page: Page, name: string | RegExp) => page.getByRole("main").getByRole("link", { name }).first();

async function openRegistry(page: Page) {
  await mainLink(page, /^localhost:/).click();
  await page.getByRole("heading", { level: 1, name: /localhost/ }).waitFor();
}

async function openRepository(page: Page) {
  await openRegistry(page);
  await mainLink(page, "demo/app").click();
  await page.getByRole("heading", { level: 1, name: /demo/ }).waitFor();
}

async function openImage(page: Page) {
  await openRepository(page);
  await page.getByRole("row").filter({ hasText: "critical" }).first().click();
  await page.getByRole("tab").first().waitFor();
}

/** All pages, with their panels, for one who is signed in. */
export const VIEWS: readonly View[] = [
  { name: "overview", path: "/overview" },
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
  { name: "rules-import", path: "/rules/import" },
  {
    name: "rules-import-preview",
    path: "/rules/import",
    act: async (page) => {
      await page.getByLabel("File of rules").setInputFiles(path.resolve(import.meta.dirname, "rules.yaml"));
      await panel(page).getByRole("button", { name: /fields? changed/ }).click();
    },
  },
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
  { name: "monitoring-span", path: "/monitoring?since=2026-01-01T10:00:00Z&until=2026-01-01T08:00:00Z" },
  { name: "monitoring-none-found", path: "/monitoring?rule=no-such-rule" },
  { name: "registries", path: "/registries" },
  { name: "repositories", path: "/registries", act: openRegistry },
  { name: "repository", path: "/registries", act: openRepository },
  { name: "image", path: "/registries", act: openImage },
  ...["Manifest", "Referrers", "Statement", "Packages", "Scans"].map((name) => ({
    name: `image-${name.toLowerCase()}`,
    path: "/registries",
    act: async (page: Page) => {
      await openImage(page);
      await page.getByRole("tab", { name: new RegExp(`^${name}`) }).click();
    },
  })),
  { name: "clusters", path: "/clusters" },
  { name: "cluster", path: "/clusters/local" },
  { name: "cluster-enrol", path: "/clusters/-enrol", act: (page) => question(page).getByText("Enrol a cluster").waitFor() },
  {
    name: "cluster-gating",
    path: "/clusters/local",
    act: async (page) => {
      await page.getByRole("switch", { name: "Security gating" }).click();
      await question(page).getByRole("button", { name: "Switch off" }).waitFor();
    },
  },
  { name: "settings", path: "/settings" },
  {
    name: "settings-gating",
    path: "/settings",
    act: async (page) => {
      await page.getByRole("group", { name: "Security gating" }).getByRole("button", { name: "Off" }).click();
      await question(page).getByRole("button", { name: "Switch off" }).waitFor();
    },
  },
  { name: "settings-users", path: "/settings/users" },
  { name: "settings-tokens", path: "/settings/tokens" },
  { name: "settings-keys", path: "/settings/keys" },
  { name: "settings-advisories", path: "/settings/advisories" },
  { name: "audit", path: "/audit" },
  {
    name: "audit-change",
    path: "/audit",
    act: async (page) => {
      await page.getByRole("row", { name: /Rule created/ }).first().click();
      await panel(page).getByText("What changed").waitFor();
    },
  },
  { name: "audit-searched", path: "/audit?search=Lab&object=rule&range=30d" },
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
