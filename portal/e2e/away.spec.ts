// The hub is killed under a page that is in use, and comes back.
import { readFileSync, readdirSync } from "node:fs";

import { expect, type Page } from "@playwright/test";

import { faults } from "./axe";
import { kubectl, own, signIn, site, test } from "./site";

test.describe.configure({ mode: "serial" });

let page: Page;

test.beforeAll(async ({ browser }) => {
  page = await browser.newPage();
  await signIn(page, "/monitoring?search=gateaway");
});

test.afterAll(async () => {
  hold("SIGCONT");
  await kubectl("delete", "pod", "gateaway", "--ignore-not-found", "--now");
  await page.close();
});

/** Stops or continues `tidegate up`, which starts parts that ended again. */
const hold = (signal: "SIGSTOP" | "SIGCONT") => process.kill(own(site().upPid), signal);

/** The process of the hub, a child of `tidegate up`. */
function pidOfHub(): number {
  const up = String(own(site().upPid));
  const found = readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const parent = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1];
      return parent === up && readFileSync(`/proc/${name}/cmdline`, "utf8").includes("tidegate.hub");
    } catch {
      return false; // gone meanwhile
    }
  });
  if (found.length !== 1) throw new Error(`want one hub below ${up}, found ${found.length}`);
  return Number(found[0]);
}

const banner = () => page.getByRole("alert").filter({ hasText: "The hub does not answer" });

test("while the hub is away every page says so, keeps what it shows, and saves nothing silently", async () => {
  await page.getByRole("link", { name: "Vulnerability assessment" }).click();
  await page.getByRole("link", { name: "Default vulnerability assessment rule" }).click();
  const panel = page.getByRole("dialog", { name: "Edit vulnerability assessment rule" });
  await panel.getByLabel("Rule description").fill("Written while the hub was away");
  hold("SIGSTOP");
  process.kill(pidOfHub(), "SIGKILL");

  await panel.getByRole("button", { name: "Save rule" }).click();
  await expect(panel.getByText("The hub does not answer. Is it running?")).toBeVisible();
  await expect(panel.getByLabel("Rule description")).toHaveValue("Written while the hub was away");
  await panel.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Discard changes" }).click();
  await expect(banner()).toContainText("nothing can be saved");
  await expect(page.getByRole("row", { name: /Default vulnerability assessment rule/ })).toBeVisible();
  expect(await faults(page)).toEqual([]);
});

test("a page opened meanwhile says it, too, and what happens in the cluster goes on", async ({ browser }) => {
  const said = await kubectl("run", "gateaway", `--image=${site().registry}/demo/app:critical`);
  expect(said.text).toContain("which is more than the allowed count of: 0");
  await page.getByRole("link", { name: "Clusters" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "This page could not be fetched from the hub." })).toBeVisible();
  await expect(banner()).toBeVisible();
  await page.getByRole("link", { name: "Admission Monitoring" }).click();
  await expect(page.getByText("Connecting", { exact: true })).toBeVisible();
  const another = await browser.newPage();
  await expect(another.goto(site().portal)).rejects.toThrow(/ERR_CONNECTION_REFUSED/);
  await another.close();
});

test("when it is back the page goes on by itself, and nothing of what happened is missing", async () => {
  hold("SIGCONT");
  await expect(banner()).toHaveCount(0, { timeout: 30_000 });
  await expect(page.getByText("Live", { exact: true })).toBeVisible({ timeout: 15_000 });
  await expect(page.getByRole("row").filter({ hasText: "gateaway" })).toBeVisible({ timeout: 30_000 });
  await page.getByRole("link", { name: "Clusters" }).click();
  await expect(page.getByRole("row", { name: /^local/ })).toBeVisible();
});

test("a page that could not be fetched comes by itself once the hub is back", async () => {
  hold("SIGSTOP");
  process.kill(pidOfHub(), "SIGKILL");
  await page.getByRole("link", { name: "Registries" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "This page could not be fetched from the hub." })).toBeVisible();
  hold("SIGCONT");
  await expect(page.getByRole("row", { name: new RegExp(site().registry) })).toBeVisible({ timeout: 60_000 });
});
