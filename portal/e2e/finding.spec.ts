// From a number to what it counts: the overview leads to events, and the audit log is searched as a whole.
import { expect, test } from "@playwright/test";

import { prepare, signIn, site } from "./site";

test.beforeAll(prepare);

test("a column of the overview leads to the events that it counts", async ({ page }) => {
  await signIn(page, "/overview");
  const chart = page.getByRole("img", { name: /Verdicts over time/ });
  await expect.poll(async () => page.getByRole("link", { name: /Audited \d/ }).innerText(), { timeout: 20_000 }).not.toMatch(/Audited\s0\s/);
  await chart.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/monitoring\?since=.*&until=.*&grouped=off/);
  await expect(page.getByRole("group", { name: "Time span" })).toBeVisible();

  await page.goBack();
  const tile = page.getByRole("link", { name: /Audited \d/ });
  const count = /\d+/.exec(await tile.innerText())?.[0];
  await tile.click();
  await expect(page).toHaveURL(/monitoring\?action=audit&grouped=off/);
  await expect(page.getByRole("status").filter({ hasText: /events?$/ })).toHaveText(new RegExp(`^${count} `));
});

test("a span of time that ends before it begins is told beside it", async ({ page }) => {
  await signIn(page, "/monitoring");
  await page.getByRole("combobox", { name: "Time range" }).click();
  await page.getByRole("option", { name: "From – to" }).click();
  await page.getByLabel("From").fill("2026-11-23T10:00");
  await page.getByLabel("To", { exact: true }).fill("2026-11-23T08:00");
  await expect(page.getByRole("alert")).toHaveText("The end must be later than the beginning");
  await page.getByLabel("To", { exact: true }).fill("2026-11-23T11:00");
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect(page).toHaveURL(/since=.*&until=/);
});

for (const folded of [true, false]) {
  test(`Admission Monitoring has no need to scroll sideways at 1,024 pixels, navigation ${folded ? "folded" : "open"}`, async ({ page }) => {
    await page.setViewportSize({ width: 1024, height: 768 });
    await signIn(page, "/monitoring?range=all");
    if (!folded) await page.getByRole("button", { name: "Unfold the navigation" }).click();
    await expect(page.getByRole("row").nth(1)).toBeVisible();
    const overflow = () =>
      page.getByRole("grid").evaluate((grid) => (grid.parentElement?.scrollWidth ?? 0) - (grid.parentElement?.clientWidth ?? 0));
    await expect.poll(overflow).toBe(0);
    await expect(page.getByRole("columnheader", { name: "Violation" })).toBeVisible();
  });
}

test("the audit log is searched by what a change says, and what was found has an address", async ({ page, request }) => {
  const headers = { Authorization: `Bearer ${site().adminToken}` };
  const rule = { name: "Searched for", action: "audit", configuration: { forbiddenCves: ["CVE-2020-1111", "CVE-2020-2222"] } };
  const made = (await (await request.post(`${site().hub}/api/v1/rules`, { headers, data: { rule } })).json()) as { id: string };
  const changed = { ...rule, configuration: { forbiddenCves: ["CVE-2020-2222", "CVE-2020-3333"] } };
  await request.put(`${site().hub}/api/v1/rules/${made.id}`, { headers: { ...headers, "If-Match": "*" }, data: { rule: changed } });
  await request.delete(`${site().hub}/api/v1/rules/${made.id}`, { headers: { ...headers, "If-Match": "*" } });

  await signIn(page, "/audit");
  await page.getByLabel("Search names, ids and values").fill("cve-2020-3333");
  await expect(page).toHaveURL(/search=cve-2020-3333/);
  await expect(page.getByText("2 changes")).toBeVisible();
  await page.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Rule changed" }).click();
  await expect(page.getByText("1 change", { exact: true })).toBeVisible();
  await page.getByRole("row", { name: /Rule changed Searched for/ }).click();
  const panel = page.getByRole("dialog", { name: "Rule changed" });
  await expect(panel.getByRole("row", { name: /forbiddenCves/ })).toHaveText(/1 more unchanged.*CVE-2020-1111.*CVE-2020-3333/);
  const address = page.url();
  expect(address).toMatch(/action=rule\.update&entry=\d+/);

  await page.goto(`${site().portal}/audit?entry=${new URL(address).searchParams.get("entry")}&action=user.delete`);
  await expect(panel.getByText("bootstrap:admin")).toBeVisible(); // although the list has it not
  await panel.getByTitle("All changes of it").click();
  await expect(page).toHaveURL(new RegExp(`object=rule%2F${made.id}`));
  await expect(page.getByText("3 changes")).toBeVisible();
});

test("new clusters begin with gating off only with proof", async ({ page }) => {
  await signIn(page, "/settings");
  const gating = page.getByRole("group", { name: "Security gating" });
  await gating.getByRole("button", { name: "Off" }).click();
  const question = page.getByRole("alertdialog", { name: /off for new clusters/ });
  const confirm = question.getByRole("button", { name: "Switch off" });
  await expect(confirm).toBeDisabled();
  await question.getByLabel(/Your password/).fill("a guess that is wrong");
  await confirm.click();
  await expect(question.getByRole("alert")).toContainText("The password is wrong");
  await question.getByLabel(/Your password/).fill(site().adminToken);
  await question.getByLabel(/Your password/).press("Enter");
  await expect(question).toBeHidden();
  await expect(gating.getByRole("button", { name: "Off" })).toHaveAttribute("aria-pressed", "true");
  await gating.getByRole("button", { name: "On" }).click();
  await expect(gating.getByRole("button", { name: "On" })).toHaveAttribute("aria-pressed", "true");
});

test("why a sign-in at the provider failed is said, once", async ({ page }) => {
  await page.goto(`${site().portal}/?signInError=role`);
  await expect(page.getByRole("alert")).toContainText("have no role here");
  await expect(page).not.toHaveURL(/signInError/);
  await signIn(page, "/overview?signInError=<b>anything</b>");
  await expect(page).toHaveURL(/overview$/);
  await expect(page.getByText("did not work")).toHaveCount(0);
  await page.goto(`${site().portal}/rules?signInError=denied`);
  await expect(page.getByText("The sign-in did not work").last()).toBeVisible();
  await expect(page).toHaveURL(/rules$/);
});
