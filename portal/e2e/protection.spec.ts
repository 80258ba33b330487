// What protects a cluster, seen from the portal: alarms, what is let in by hand, and how fresh findings are.
import { expect, type Page } from "@playwright/test";

import { applied, kubectl, signIn, test } from "./site";
import { NEW_DENY, TOLD, ToldCluster, ago, undo, whileDenying } from "./states";

const DIGEST = `sha256:${"ab".repeat(32)}`;

test.afterEach(undo);

test.describe("alarms", () => {
  let cluster: ToldCluster;
  test.beforeEach(async () => {
    cluster = await new ToldCluster("browser-told").enrol();
  });
  test.afterEach(() => cluster.forget());

  const banner = (page: Page) => page.getByRole("alert").filter({ hasText: "Cluster browser-told may not be gated" });

  for (const [what, words] of [
    ["webhookMissing", "nothing is gated in this cluster"],
    ["webhookDrifted", "failurePolicy, objectSelector"],
    ["canaryAdmitted", "admits what the gate must refuse"],
    ["failedOpen", "shop/web-6c9d8f7b5-x2k4j"],
  ] as const) {
    test(`${what} stands above every page until the agent ends it`, async ({ page }) => {
      await cluster.tell(TOLD[what]());
      await signIn(page, "/audit");
      await expect(banner(page)).toContainText(words);
      await banner(page).getByRole("link", { name: "Show what is wrong" }).click();
      const panel = page.getByRole("dialog", { name: "browser-told" });
      await expect(panel).toContainText("May not be gated");
      await expect(panel).toContainText(words);
      await expect(panel.getByRole("button", { name: /Acknowledge/ }), "only the agent ends its alarms").toHaveCount(0);
      await cluster.tell({});
      await expect(banner(page)).toHaveCount(0);
      await expect(panel).toContainText("Enforcing");
    });
  }

  test("the overview says it once, and that a feed stands still", async ({ page }) => {
    await cluster.tell(TOLD.canaryAdmitted(), { feedAt: ago(20) });
    await signIn(page, "/overview");
    await expect(page.getByText(/admits what the gate must refuse/)).toHaveCount(1);
    await expect(page.getByText(/No findings were fed to it since/)).toBeVisible();
    const row = page.getByRole("region", { name: "Findings in clusters" }).getByRole("row", { name: /browser-told/ });
    await expect(row).toContainText("Stands still, 20 min. ago");
    await cluster.tell({}, { feedAt: "" });
    await page.reload();
    await expect(row).toContainText("none yet: gates ask registries");
    await expect(page.getByText(/No findings were fed/)).toHaveCount(0);
  });
});

test("how old what a real cluster was fed is stands in the overview and with the cluster", async ({ page }) => {
  await signIn(page, "/overview");
  const row = page.getByRole("region", { name: "Findings in clusters" }).getByRole("row", { name: /local/ });
  await expect(row.locator("time")).toHaveCount(2);
  await row.getByRole("link", { name: "local" }).click();
  await expect(page.getByRole("dialog", { name: "local" })).toContainText(/Findings fed\s*(just now|\d+ min\. ago)/);
});

test("break-glass in force is shown with its reason and end until it is deleted", async ({ page }) => {
  await signIn(page, "/overview");
  const card = page.getByRole("region", { name: /Break-glass in force/ });
  await expect(page.getByRole("region", { name: "Findings in clusters" })).toBeVisible();
  await expect(card).toHaveCount(0);
  const name = `incident-${Date.now()}`;
  await applied({
    apiVersion: "tidegate.io/v1alpha1",
    kind: "BreakGlass",
    metadata: { name },
    spec: { namespace: "shop", digest: DIGEST, reason: "checkout is down, the fix comes tonight", duration: "150m" },
  });
  try {
    await expect(card.getByRole("row", { name: /checkout is down/ })).toContainText("in 2 hr.", { timeout: 40_000 });
    await card.getByRole("link", { name: /checkout is down/ }).click();
    const panel = page.getByRole("dialog", { name: "local" });
    await expect(panel.getByRole("list", { name: "Break-glass in force" })).toContainText(name);
    await panel.getByRole("link", { name: "What was let in by them" }).click();
    await expect(page).toHaveURL(/reason=BreakGlass/);
    await page.goBack();
  } finally {
    await kubectl("delete", "breakglass", name);
  }
  await expect(page.getByRole("list", { name: "Break-glass in force" })).toHaveCount(0, { timeout: 40_000 });
});

test("where a deny rule is new, letting own pods back is recommended until a cluster does", async ({ page }) => {
  await whileDenying("/")();
  await signIn(page, "/rules");
  // The rules of other specs may be new, too.
  const bar = page.getByText(/deny rules? (is|are) new/);
  await expect(bar).toBeVisible();
  await expect(page.getByText(/In frankfurt-1( and local)? a workload that is admitted today/)).toBeVisible();
  await page.getByRole("button", { name: "Show how" }).click();
  const panel = page.getByRole("dialog", { name: "Own pods of workloads" });
  await expect(panel.getByRole("listitem").filter({ hasText: "frankfurt-1" })).toContainText("Are denied like all others");
  await expect(panel.getByRole("listitem").filter({ hasText: "local" })).toContainText("Are denied like all others");

  // What the panel shows is what a real API server and agent take.
  const text = await panel.getByRole("figure", { name: "YAML" }).locator("pre").innerText();
  await applied(text);
  try {
    await expect(panel.getByRole("listitem").filter({ hasText: "local" })).toContainText("Come back for 14 days", { timeout: 40_000 });
  } finally {
    await kubectl("delete", "sap", "re-admission");
  }
  await panel.getByRole("button", { name: "Close", exact: true }).last().click();
  await page.getByRole("button", { name: "Dismiss the recommendation" }).click();
  await expect(bar).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("row", { name: new RegExp(NEW_DENY) })).toBeVisible();
  await expect(bar, "dismissed until another deny rule is new").toHaveCount(0);
});

test("a rule that is made to deny says what becomes of pods that are made anew", async ({ page }) => {
  await signIn(page, "/rules/new");
  const panel = page.getByRole("dialog");
  const said = panel.getByText("It judges pods that are made anew, too");
  await expect(panel.getByRole("combobox", { name: "Action" })).toHaveText("Audit");
  await expect(said).toHaveCount(0);
  await panel.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Deny" }).click();
  await expect(said).toBeVisible();
});
