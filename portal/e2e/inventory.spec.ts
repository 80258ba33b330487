import { expect } from "@playwright/test";

import { kubectl, signIn, site, test } from "./site";

test("an image is found by its registry, and everything about it is there", async ({ page }) => {
  await signIn(page, "/registries");
  await page.getByRole("link", { name: site().registry }).click();
  await page.getByRole("link", { name: "demo/app" }).click();
  await page.getByRole("link", { name: "critical", exact: true }).click();
  await expect(page.getByRole("heading", { name: "demo/app:critical" })).toBeVisible();

  await page.getByLabel("Search by id, package or path").fill("log4j");
  await expect(page.getByRole("gridcell", { name: "CVE-2021-44228" })).toBeVisible();
  await expect(page.getByRole("gridcell", { name: "django" })).toHaveCount(0);
  await expect(page).toHaveURL(/search=log4j/);
  await page.getByRole("combobox", { name: "Grouping" }).click();
  await page.getByRole("option", { name: "By package" }).click();
  await page.getByRole("row", { name: /^log4j-core 2\.14\.1/ }).click();
  await page.getByRole("row", { name: /CVE-2021-44228/ }).click();
  await expect(page.getByRole("dialog", { name: "CVE-2021-44228" }).getByText("opt/log4j-core-2.14.1.jar")).toBeVisible();
  await page.getByRole("button", { name: "Close" }).click();

  await page.getByRole("tab", { name: "Manifest" }).click();
  await expect(page.getByText(`${site().registry}/demo/app@sha256:`)).toBeVisible();
  await expect(page.getByLabel("manifest", { exact: true })).toContainText('"schemaVersion": 2');
  await page.getByRole("tab", { name: "Statement" }).click();
  await expect(page.getByLabel("statement", { exact: true })).toContainText("https://in-toto.io/attestation/vulns/v0.2");
});

test("exercise 2: the findings artifact is found among the referrers, and its layer fetched by what is copied there", async ({
  page,
  context,
  request,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await signIn(page, "/registries");
  await page.getByRole("link", { name: site().registry }).click();
  await page.getByRole("link", { name: "demo/app" }).click();
  for (const tag of ["clean", "low", "medium", "high", "critical"]) {
    await expect(page.getByRole("link", { name: tag, exact: true })).toBeVisible();
  }
  await page.getByRole("link", { name: "high", exact: true }).click();
  await page.getByRole("tab", { name: /Referrers/ }).click();
  const artifact = page.getByRole("row", { name: /application\/vnd\.in-toto\+json/ });
  const signature = page.getByRole("row", { name: /cosign/ });
  await expect(artifact).toContainText("evidence");
  await expect(signature).toContainText("evidence");
  await page.getByRole("button", { name: "Hide what refers to it" }).click();
  await expect(signature).toHaveCount(0);
  await page.getByRole("button", { name: "Show what refers to it" }).click();
  await expect(signature).toHaveCount(1);
  await page.getByRole("combobox", { name: "Verified" }).click();
  await page.getByRole("option", { name: "Not verified" }).click();
  await expect(page.getByText("No referrer matches")).toBeVisible();
  await page.getByRole("combobox", { name: "Verified" }).click();
  await page.getByRole("option", { name: "Verified by evidence" }).click();

  await artifact.click();
  const panel = page.getByRole("dialog", { name: "application/vnd.in-toto+json" });
  await expect(panel).toContainText("SoftwareInventoryAssessment");
  await expect(panel.getByLabel("manifest of the referrer", { exact: true })).toContainText('"artifactType": "application/vnd.in-toto+json"');
  await panel.getByRole("button", { name: "Copy artifact reference" }).click();
  expect(await copied()).toMatch(new RegExp(`^${site().registry}/demo/app@sha256:[0-9a-f]{64}$`));
  await panel.getByRole("button", { name: "Copy layer reference" }).click();
  const digest = (await copied()).split("@")[1] ?? "";
  await panel.getByRole("button", { name: "Close" }).click();
  const blob = await request.get(`http://${site().registry}/v2/demo/app/blobs/${digest}`);
  const fetched = (await blob.json()) as { predicateType: string; subject: unknown[] };
  expect(fetched.predicateType).toBe("https://in-toto.io/attestation/vulns/v0.2");

  await page.getByRole("tab", { name: "Statement" }).click();
  await page.getByRole("tab", { name: "As it was signed" }).click();
  await expect(page.getByLabel("statement", { exact: true })).toHaveText(await blob.text());
});

test("a scan asked for here is followed until its report is there", async ({ page }) => {
  await signIn(page, `/registries/${encodeURIComponent(site().registry)}/demo%2Fapp`);
  await page.getByRole("link", { name: "medium", exact: true }).click();
  const scans = page.getByRole("tab", { name: /Scans/ });
  const before = await scans.innerText();
  await page.getByRole("button", { name: "Scan now" }).click();
  await expect(page.getByText("Scan finished", { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(scans).not.toHaveText(before);
});

test("gating is switched off only with proof, holds in the cluster, and stands in the audit log", async ({ page }) => {
  await signIn(page, "/clusters/local");
  const gating = page.getByRole("switch", { name: "Security gating" });
  await gating.click();
  const question = page.getByRole("alertdialog", { name: /Switch gating/ });
  const password = question.getByLabel(/Your password/);
  await password.fill("a guess that is wrong");
  await question.getByRole("button", { name: "Switch off" }).click();
  await expect(question.getByRole("alert")).toBeVisible();
  await password.fill(site().adminToken);
  await question.getByRole("button", { name: "Switch off" }).click();
  await expect(question).toBeHidden();
  await expect(gating).not.toBeChecked();
  const policy = ["get", "securityartifactpolicies", "tidegate-vulnerability-assessment-policy", "-o", "jsonpath={.spec.gating}"];
  await expect.poll(async () => (await kubectl(...policy)).text, { timeout: 15_000 }).toBe("Off");

  await gating.click();
  await expect(gating).toBeChecked();
  await expect.poll(async () => (await kubectl(...policy)).text, { timeout: 15_000 }).not.toBe("Off");
  await page.goto(`${site().portal}/audit`);
  await page.getByRole("row", { name: /Cluster .*gating/i }).first().click();
  await expect(page.getByRole("row", { name: /gating Off On/ })).toBeVisible();
});

test("a cluster is enrolled by a one-time token; a second use of it stands as an alarm until somebody looks", async ({ page, request }) => {
  await signIn(page, "/clusters");
  await page.getByRole("button", { name: "Enrol a cluster" }).click();
  const dialog = page.getByRole("alertdialog");
  await dialog.getByLabel("Name").fill("browser-cluster");
  await dialog.getByRole("textbox", { name: "Labels" }).fill("environment=test");
  await dialog.getByRole("textbox", { name: "Labels" }).press("Enter");
  await dialog.getByRole("button", { name: "Make the token" }).click();
  await dialog.getByRole("heading", { name: "The one-time token of browser-cluster" }).waitFor();
  const token = (await dialog.locator("span[title]").first().getAttribute("title")) ?? "";
  await dialog.getByRole("button", { name: "I have copied it" }).click();
  const row = page.getByRole("row", { name: /browser-cluster/ });
  await expect(row).toContainText("Waits for its agent");

  const enrol = () => request.post(`${site().hub}/api/v1/enrol`, { data: { token, agentVersion: "0.1.0" } });
  expect((await enrol()).status()).toBe(200);
  expect((await enrol()).status()).toBe(403);
  await row.getByRole("link").click();
  const panel = page.getByRole("dialog", { name: "browser-cluster" });
  await expect(panel.getByText(/came a second time/)).toBeVisible();
  await panel.getByRole("button", { name: "Acknowledge the hub’s alarms" }).click();
  await expect(panel.getByText(/came a second time/)).toHaveCount(0);

  await panel.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(row).toHaveCount(0);
});

test("a token made here is shown once and refused once it is revoked", async ({ page, request }) => {
  await signIn(page, "/settings/tokens");
  await page.getByRole("button", { name: "Make a token" }).click();
  await page.getByLabel("Name").fill("browser-test");
  await page.getByRole("button", { name: "Make", exact: true }).click();
  const shown = page.getByRole("alertdialog", { name: "The token browser-test" });
  const token = (await shown.locator("[title]").first().getAttribute("title")) ?? "";
  const headers = { Authorization: `Bearer ${token}` };
  expect((await request.get(`${site().hub}/api/v1/rules`, { headers })).status()).toBe(200);
  await shown.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("row", { name: /browser-test/ }).click();
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByRole("row", { name: /browser-test/ })).toHaveCount(0);
  expect((await request.get(`${site().hub}/api/v1/rules`, { headers })).status()).toBe(401);
});

test("a component that was switched off says so where it matters", async ({ page }) => {
  await signIn(page, "/settings");
  const access = page.getByRole("group", { name: "Registry access" });
  await access.getByRole("button", { name: "Off" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Switch off" }).click();
  await expect(access.getByRole("button", { name: "Off" })).toHaveAttribute("aria-pressed", "true");
  await page.goto(`${site().portal}/registries`);
  await expect(page.getByRole("row", { name: new RegExp(site().registry) })).toContainText("Off");
  await page.goto(`${site().portal}/settings`);
  await access.getByRole("button", { name: "On" }).click();
  await expect(access.getByRole("button", { name: "On" })).toHaveAttribute("aria-pressed", "true");
});

test("the overview shows what was decided", async ({ page }) => {
  await kubectl("run", "gate-overview", `--image=${site().registry}/demo/app:critical`);
  await signIn(page, "/overview");
  await expect(page.getByRole("img", { name: /Verdicts over time/ })).toBeVisible();
  await expect(page.getByRole("region", { name: "Rules that decided most" }).getByRole("link").first()).toBeVisible({ timeout: 20_000 });
});
