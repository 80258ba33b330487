import path from "node:path";

import type { Page } from "@playwright/test";

import { site } from "./site";
import { undo, whileDenying, whileTold } from "./states";

/** A state of the portal that is looked at and checked as a whole. */
export interface View {
  name: string;
  path: string | (() => Promise<string>);
  /** What a person does on the page to get there. */
  act?: (page: Page) => Promise<void>;
  /** Whether a Security Reader gets there by the same steps. */
  forReaders?: boolean;
}

const panel = (page: Page) => page.getByRole("dialog");
const question = (page: Page) => page.getByRole("alertdialog");

const alarmed = (page: Page) => page.getByText("Cluster frankfurt-1 may not be gated").waitFor();

async function openTab(page: Page, name: string) {
  await page.getByRole("link", { name: "Lab example" }).click();
  await panel(page).getByRole("tab", { name }).click();
}

/** Address of the registry of the demo images, or of one repository there. */
const inRegistry = (...parts: string[]) => `/registries/${[site().registry, ...parts].map(encodeURIComponent).join("/")}`;

/** Address of the image with the most findings, as a link that somebody sent. */
async function imagePath(tab = "findings"): Promise<string> {
  const query = new URLSearchParams({ registry: site().registry, repository: "demo/app", limit: "500" });
  const headers = { Authorization: `Bearer ${site().adminToken}` };
  const answer = await fetch(`${site().hub}/api/v1/images?${query}`, { headers });
  const { items } = (await answer.json()) as { items: { digest: string; tags: string[] }[] };
  const found = items.find(({ tags }) => tags.includes("critical"));
  if (!found) throw new Error(`no image demo/app:critical: ${answer.status}`);
  return `${inRegistry("demo/app", found.digest)}?tab=${tab}`;
}

const REFUSING = "registry.test";

/** Address of a registry that is configured, and that no worker can reach. */
async function refusingPath(...act: string[]): Promise<string> {
  const answer = await fetch(`${site().hub}/api/v1/registries/configured/${REFUSING}`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${site().adminToken}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      connection: { url: "http://127.0.0.1:1", allowPrivate: true, aliases: ["mirror.test/registry"], tokenRealms: ["auth.test"] },
      polling: { enabled: true, intervalS: 3_600 },
      testRepository: "team/app",
    }),
  });
  if (!answer.ok) throw new Error(`${REFUSING} could not be configured: ${answer.status} ${await answer.text()}`);
  return `/settings/registries/${[REFUSING, ...act].join("/")}`;
}

async function openRow(page: Page, name: RegExp) {
  await page.getByRole("row", { name }).first().click();
  await panel(page).waitFor();
}

const press = (page: Page, toolbar: string, name: string) =>
  page.getByRole("toolbar", { name: toolbar }).getByRole("button", { name, exact: true }).click();

const NO_IMAGE = `/registries/registry.example/${encodeURIComponent("shop/web")}/sha256:${"0".repeat(64)}`;

/** All pages, with their panels and dialogs, for one who is signed in. */
export const VIEWS: readonly View[] = [
  { name: "overview", path: "/overview", forReaders: true },
  { name: "overview-alarm", path: whileTold("canaryAdmitted", "/overview", { feedAt: "" }) },
  { name: "overview-break-glass", path: whileTold("breakGlass", "/overview"), forReaders: true },
  { name: "overview-feed-old", path: whileTold("enforces", "/overview", { feedAt: "2026-01-01T00:00:00Z" }) },
  { name: "banner-webhook-missing", path: whileTold("webhookMissing", "/monitoring?range=all"), forReaders: true, act: alarmed },
  { name: "banner-webhook-drifted", path: whileTold("webhookDrifted", "/clusters"), act: alarmed },
  { name: "banner-canary-wrong", path: whileTold("canaryAdmitted", "/rules"), act: alarmed },
  { name: "banner-no-verdict", path: whileTold("failedOpen", "/registries"), act: alarmed },
  { name: "cluster-webhook-missing", path: whileTold("webhookMissing", "/clusters/frankfurt-1"), act: alarmed },
  { name: "cluster-webhook-drifted", path: whileTold("webhookDrifted", "/clusters/frankfurt-1"), act: alarmed },
  { name: "cluster-canary-wrong", path: whileTold("canaryAdmitted", "/clusters/frankfurt-1"), act: alarmed },
  { name: "cluster-no-verdict", path: whileTold("failedOpen", "/clusters/frankfurt-1"), forReaders: true, act: alarmed },
  { name: "cluster-break-glass", path: whileTold("breakGlass", "/clusters/frankfurt-1"), forReaders: true },
  { name: "rules-new-deny", path: whileDenying("/rules"), act: (page) => page.getByText("A deny rule is new").waitFor() },
  { name: "rules-re-admission", path: whileDenying("/rules/re-admission"), forReaders: true },
  {
    name: "rule-new-deny",
    path: whileTold("enforces", "/rules/new"),
    act: async (page) => {
      await panel(page).getByRole("combobox", { name: "Action" }).click();
      await page.getByRole("option", { name: "Deny" }).click();
      await panel(page).getByText("It judges pods that are made anew, too").waitFor();
    },
  },
  { name: "rules", path: "/rules", forReaders: true },
  {
    name: "rules-chosen",
    path: "/rules",
    act: (page) => page.getByRole("checkbox", { name: "Select Lab example" }).check(),
  },
  { name: "rules-none-found", path: "/rules?search=nothing-has-this-name", forReaders: true },
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
  { name: "rule-details", path: "/rules", act: (page) => openTab(page, "Details"), forReaders: true },
  { name: "rule-conditions", path: "/rules", act: (page) => openTab(page, "Scan conditions"), forReaders: true },
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
  {
    name: "rule-leave",
    path: "/rules/new",
    act: async (page) => {
      await panel(page).getByLabel("Rule name").fill("Half a rule");
      await panel(page).getByRole("button", { name: "Close" }).click();
      await question(page).waitFor();
    },
  },
  {
    name: "rule-delete",
    path: "/rules",
    act: async (page) => {
      await page.getByRole("checkbox", { name: "Select Lab example" }).check();
      await press(page, "Rules", "Delete rule");
      await question(page).waitFor();
    },
  },
  {
    name: "rule-gone",
    path: "/rules/no-such-rule",
    act: (page) => question(page).waitFor(),
  },
  { name: "policy-object", path: "/rules/policy-object", forReaders: true },
  { name: "rules-import", path: "/rules/import" },
  {
    name: "rules-import-preview",
    path: "/rules/import",
    act: async (page) => {
      await page.getByLabel("File of rules").setInputFiles(path.resolve(import.meta.dirname, "rules.yaml"));
      await panel(page).getByRole("button", { name: /fields? changed/ }).click();
    },
  },
  { name: "monitoring", path: "/monitoring?range=all", forReaders: true },
  {
    name: "monitoring-event",
    forReaders: true,
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
  { name: "monitoring-none-found", path: "/monitoring?rule=no-such-rule", forReaders: true },
  { name: "registries", path: "/registries", forReaders: true },
  { name: "repositories", path: () => Promise.resolve(inRegistry()), forReaders: true },
  { name: "repository", path: () => Promise.resolve(inRegistry("demo/app")), forReaders: true },
  { name: "image", path: imagePath, forReaders: true },
  ...["report", "manifest", "referrers", "statement", "packages", "scans"].map((tab) => ({
    name: `image-${tab}`,
    path: () => imagePath(tab),
    forReaders: true,
  })),
  { name: "image-finding", path: imagePath, forReaders: true, act: (page) => openRow(page, /CVE-/) },
  { name: "image-referrer", path: () => imagePath("referrers"), forReaders: true, act: (page) => openRow(page, /in-toto/) },
  { name: "image-none", path: NO_IMAGE },
  { name: "registries-none-found", path: "/registries?search=nothing-has-this-name", forReaders: true },
  { name: "clusters-none-found", path: "/clusters?search=nothing-has-this-name", forReaders: true },
  { name: "clusters", path: "/clusters", forReaders: true },
  { name: "cluster", path: "/clusters/local", forReaders: true },
  { name: "cluster-enrol", path: "/clusters/-enrol", act: (page) => question(page).getByText("Enrol a cluster").waitFor() },
  {
    name: "cluster-gating",
    path: "/clusters/local",
    act: async (page) => {
      await page.getByRole("switch", { name: "Security gating" }).click();
      await question(page).getByRole("button", { name: "Switch off" }).waitFor();
    },
  },
  {
    name: "cluster-delete",
    path: "/clusters/local",
    act: async (page) => {
      await panel(page).getByRole("button", { name: "Delete" }).click();
      await question(page).waitFor();
    },
  },
  {
    name: "settings-switch-off",
    path: "/settings",
    act: async (page) => {
      await page.getByRole("group", { name: "Registry access" }).getByRole("button", { name: "Off" }).click();
      await question(page).waitFor();
    },
  },
  {
    name: "settings-user-new",
    path: "/settings/users",
    act: async (page) => {
      await press(page, "Users", "Add user");
      await question(page).getByRole("textbox", { name: "Name", exact: true }).fill("Not A Name");
    },
  },
  {
    name: "settings-token-new",
    path: "/settings/tokens",
    act: async (page) => {
      await press(page, "API tokens", "Make a token");
      await question(page).waitFor();
    },
  },
  {
    name: "settings-token-made",
    path: "/settings/tokens",
    act: async (page) => {
      await press(page, "API tokens", "Make a token");
      await question(page).getByLabel("Name").fill(`looked-at-${Date.now()}`);
      await question(page).getByRole("button", { name: "Make", exact: true }).click();
      await question(page).getByRole("button", { name: "I have copied it" }).waitFor();
    },
  },
  {
    name: "settings-key",
    path: "/settings/keys",
    forReaders: true,
    act: async (page) => {
      await page.getByRole("row").nth(1).click();
      await panel(page).waitFor();
    },
  },
  { name: "settings", path: "/settings", forReaders: true },
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
  { name: "settings-registries", path: "/settings/registries", forReaders: true },
  {
    name: "settings-registry-in-file",
    path: "/settings/registries",
    forReaders: true,
    act: (page) => openRow(page, /In a worker’s file/),
  },
  {
    name: "settings-registry",
    path: () => refusingPath(),
    act: (page) => panel(page).getByText("The test failed").waitFor(),
  },
  { name: "settings-registry-edit", path: () => refusingPath("edit") },
  {
    name: "settings-registry-remove",
    path: () => refusingPath(),
    act: async (page) => {
      await panel(page).getByText("The test failed").waitFor();
      await panel(page).getByRole("button", { name: "Remove" }).click();
      await question(page).waitFor();
    },
  },
  {
    name: "settings-registry-new",
    path: "/settings/registries/-add",
    act: async (page) => {
      await panel(page).getByRole("textbox", { name: "Registry" }).fill("registry.example.com");
      await panel(page).getByRole("textbox", { name: "Address" }).fill("http://registry.example.com");
      await panel(page).getByRole("radio", { name: "Entered here" }).click();
      await panel(page).getByLabel("User name").fill("robot");
      await panel(page).getByText(/Sealed in this browser/).waitFor();
    },
  },
  {
    name: "settings-registry-more",
    path: "/settings/registries/-add",
    act: async (page) => {
      await panel(page).getByRole("switch", { name: /Look for them/ }).click();
      await panel(page).getByRole("textbox", { name: "Look every" }).fill("0");
      await panel(page).getByRole("button", { name: "More about the connection" }).click();
      await panel(page).getByLabel("Certificate authorities").scrollIntoViewIfNeeded();
    },
  },
  { name: "settings-registry-none", path: "/settings/registries/no-such-registry", act: (page) => question(page).waitFor() },
  { name: "settings-keys", path: "/settings/keys", forReaders: true },
  { name: "settings-advisories", path: "/settings/advisories", forReaders: true },
  { name: "audit", path: "/audit" },
  {
    name: "audit-change",
    path: "/audit?search=Lab%20example",
    act: async (page) => {
      await page.getByRole("row", { name: /Rule created/ }).first().click();
      await panel(page).getByText("What changed").waitFor();
    },
  },
  { name: "audit-searched", path: "/audit?search=Lab&object=rule&range=30d" },
  { name: "audit-none-found", path: "/audit?search=nothing-has-this-name" },
  {
    name: "user-menu",
    path: "/overview",
    forReaders: true,
    act: async (page) => {
      await page.getByRole("button", { name: /Security (Admin|Reader)/ }).click();
      await page.getByRole("menu").waitFor();
    },
  },
  { name: "not-found", path: "/no-such-page", forReaders: true },
];

/** Goes to a view and does what leads to it. */
export async function open(page: Page, view: View) {
  await undo();
  await page.goto(site().portal + (typeof view.path === "string" ? view.path : await view.path()));
  await settled(page);
  await view.act?.(page);
  await settled(page);
}

/** Waits until nothing on the page loads or moves. */
export async function settled(page: Page) {
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
  await page.locator(".fui-Spinner, .fui-Skeleton").first().waitFor({ state: "detached" });
  await still(page);
}

/** Waits until nothing moves or changes its colour, but for what moves without an end. */
export async function still(page: Page) {
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime))
        .map((animation) => animation.finished.catch(() => undefined)),
    ),
  );
}
