// Files of rules are looked at before they are taken over; the order of all rules is saved at once.
import { readFileSync } from "node:fs";

import { expect, test, type Page } from "@playwright/test";
import { parse } from "yaml";

import { signIn, site } from "./site";

test.describe.configure({ mode: "serial" });

const headers = () => ({ Authorization: `Bearer ${site().adminToken}` });
const rules = () => `${site().hub}/api/v1/rules`;

interface Listed {
  items: { id: string; priority: number; etag: string; rule: { name: string; action: string } }[];
}

async function listed(page: Page): Promise<Listed["items"]> {
  return ((await (await page.request.get(rules(), { headers: headers() })).json()) as Listed).items;
}

async function idOf(page: Page, name: string): Promise<string> {
  const found = (await listed(page)).find(({ rule }) => rule.name === name);
  if (!found) throw new Error(`no rule ${name}`);
  return found.id;
}

const entry = (name: string, configuration = "{maxAllowedSeverities: {critical: 0}}", action = "audit") =>
  `  - {name: ${name}, action: ${action}, scope: [{matcherType: pod, anyOf: [files-*]}], configuration: ${configuration}}`;

const file = (...entries: string[]) => ({
  name: "rules.yaml",
  mimeType: "application/yaml",
  buffer: Buffer.from(
    `apiVersion: tidegate.io/v1alpha1
kind: SecurityArtifactPolicy
metadata: {name: from-a-file}
spec:
  vulnerabilityAssessmentGatedDeployment:
${entries.join("\n")}
`,
  ),
});

async function openImport(page: Page) {
  await signIn(page, "/rules");
  await page.getByRole("button", { name: "Import", exact: true }).click();
}

const give = (page: Page, given: ReturnType<typeof file>) => page.getByLabel("File of rules").setInputFiles(given);
const panel = (page: Page) => page.getByRole("dialog", { name: "Import rules" });
const box = (page: Page, name: string) => panel(page).getByRole("checkbox", { name: `Import ${name}` });

test("a file is shown rule by rule, and those chosen are taken over", async ({ page }) => {
  await openImport(page);
  await expect(panel(page).getByRole("button", { name: "Import", exact: true })).toBeDisabled();
  await give(page, file(entry("File A"), entry("File B"), entry("File C", "{}")));
  await expect(panel(page)).toContainText("rules.yaml: 2 new, 1 refused");
  await expect(box(page, "File C")).toBeDisabled();
  await expect(panel(page)).toContainText("the rule has no condition");
  await box(page, "File B").uncheck();
  await panel(page).getByRole("button", { name: "Import 1 rule" }).click();
  await expect(panel(page)).toBeHidden();
  await expect(page.getByRole("link", { name: "File A" })).toBeVisible();
  await expect(page.getByRole("link", { name: "File B" })).toHaveCount(0);
});

test("a changed rule is shown with both versions, and not written over a newer one", async ({ page }) => {
  await openImport(page);
  await give(page, file(entry("File A", "{maxAllowedSeverities: {critical: 3}}"), entry("File B")));
  await panel(page).getByRole("button", { name: "1 field changed" }).click();
  await expect(panel(page).getByRole("row", { name: "configuration.maxAllowedSeverities.critical 0 3" })).toBeVisible();

  await page.request.post(`${rules()}/${await idOf(page, "File A")}/disable`, { headers: headers() });
  await panel(page).getByRole("button", { name: "Import 2 rules" }).click();
  await expect(panel(page).getByText("Nothing was imported")).toBeVisible();
  await expect(panel(page)).toContainText(/Rule 'File A' was changed by .* \(rule\.enabled\)/);
  expect((await listed(page)).map(({ rule }) => rule.name)).not.toContain("File B");

  await panel(page).getByRole("button", { name: "Look again" }).click();
  await panel(page).getByRole("button", { name: "2 fields changed" }).click();
  await expect(panel(page).getByRole("row", { name: "enabled false true" })).toBeVisible();
  await panel(page).getByRole("button", { name: "Import 2 rules" }).click();
  await expect(panel(page)).toBeHidden();
  await expect(page.getByRole("link", { name: "File B" })).toBeVisible();
});

test("a file that is none is refused with the reason, and another can be dropped in its place", async ({ page }) => {
  await openImport(page);
  await give(page, { ...file(), buffer: Buffer.from("a: [1\nb: 2") });
  await expect(panel(page).getByRole("alert")).toContainText(/The file cannot be used.*line 2/s);
  const dropped = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "dropped.json"));
    return data;
  }, JSON.stringify(parse(file(entry("File A")).buffer.toString())));
  await panel(page).getByText("Drop a YAML or JSON file here").dispatchEvent("drop", { dataTransfer: dropped });
  await expect(panel(page)).toContainText("dropped.json: 1 rule");
  await expect(panel(page).getByRole("alert")).toHaveCount(0);
});

test("what is exported is the chosen rules, as the hub takes them back", async ({ page }) => {
  await signIn(page, "/rules");
  await page.getByRole("checkbox", { name: "Select File A" }).check();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("tidegate-rules.yaml");
  const content = readFileSync(await download.path(), "utf8");
  const answer = await page.request.post(`${rules()}/import`, { headers: headers(), data: { content, dryRun: true } });
  const { rules: found } = (await answer.json()) as { rules: { name: string; outcome: string }[] };
  expect(found.map(({ name, outcome }) => [name, outcome])).toEqual([["File A", "unchanged"]]);
});

/** Moves a rule one place down by keys; what a screen reader is told says when to go on. */
async function moveDown(page: Page, name: string) {
  const place = (await listed(page)).findIndex(({ rule }) => rule.name === name) + 1;
  const live = page.locator("[id^=DndLiveRegion]");
  await page.getByRole("button", { name: `Move ${name}` }).focus();
  await page.keyboard.press("Space");
  await expect(live).toContainText(name);
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve))); // the sensor listens to arrows one turn later
  await page.keyboard.press("ArrowDown");
  await expect(live).toContainText(`${name} is at priority ${place + 1}.`);
  await page.keyboard.press("Space");
  await expect(live).toContainText(`${name} is at priority ${place + 1}; not saved yet.`);
  await expect(page.getByRole("toolbar").getByRole("button", { name: "Save" })).toBeEnabled();
}

const places = async (page: Page) => {
  const order = (await listed(page)).map(({ rule }) => rule.name).filter((name) => name.startsWith("File"));
  return order.join();
};

test("an order that somebody else changed is not written over, but on demand", async ({ page }) => {
  await signIn(page, "/rules");
  expect(await places(page)).toBe("File A,File B");
  await moveDown(page, "File A");
  await page.request.post(`${rules()}/${await idOf(page, "File B")}/move`, { headers: headers(), data: { priority: 1 } });
  await page.getByRole("toolbar").getByRole("button", { name: "Save" }).click();
  const told = page.getByRole("alert").filter({ hasText: "Your order is not saved" });
  await expect(told).toContainText("rule 'File B' was moved by bootstrap:admin");
  await told.getByRole("button", { name: "Discard mine" }).click();
  await expect(told).toHaveCount(0);
  await expect(page.getByRole("row").filter({ hasText: "File B" }).getByRole("cell").nth(2)).toHaveText("1");
});

test("a rule that was added meanwhile does not hinder the save of an order", async ({ page }) => {
  await signIn(page, "/rules");
  const before = await places(page);
  await moveDown(page, before.split(",")[0] ?? "");
  await page.request.post(`${rules()}/import`, { headers: headers(), data: { content: file(entry("Later")).buffer.toString() } });
  await page.getByRole("button", { name: "Refresh" }).click();
  await expect(page.getByRole("link", { name: "Later" })).toBeVisible();
  const order = (await listed(page)).map(({ rule }) => rule.name).join();
  await page.getByRole("toolbar").getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Order saved").last()).toBeVisible();
  expect((await listed(page)).map(({ rule }) => rule.name).join()).not.toBe(order);
});

test.afterAll(async ({ request }) => {
  const { items } = (await (await request.get(rules(), { headers: headers() })).json()) as Listed;
  for (const { id, rule } of items) {
    if (/^(File|Later)/.test(rule.name)) await request.delete(`${rules()}/${id}`, { headers: { ...headers(), "If-Match": "*" } });
  }
});
