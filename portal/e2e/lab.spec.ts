// The lab as a participant plays it: clicks, types, drags and reads in the browser, and tries what
// was made there with kubectl. One test goes on where the one before ended.
import { expect, type Page } from "@playwright/test";

import { kubectl, signIn, site, test } from "./site";

test.describe.configure({ mode: "serial" });

const RULE = "Browser lab";
const AUDIT_POD = "gatebrowser-audit";
const DENY_POD = "gatebrowser-deny";

let page: Page;

test.beforeAll(async ({ browser }) => {
  page = await browser.newPage();
  await signIn(page, "/rules");
});

test.afterAll(async () => {
  await kubectl("delete", "pod", AUDIT_POD, DENY_POD, "--ignore-not-found", "--now");
  await page.close();
});

const image = () => `${site().registry}/demo/app:critical`;
const row = (name: string) => page.getByRole("row").filter({ hasText: name });

/** What the policy object in the cluster says of a rule, once it says what is wanted. */
async function inCluster(wanted: (rules: PolicyRule[]) => boolean) {
  await expect
    .poll(
      async () => {
        const said = await kubectl("get", "securityartifactpolicies", "-o", "json");
        const list = JSON.parse(said.text) as { items: { spec: Spec }[] };
        return wanted(list.items.flatMap((item) => item.spec.vulnerabilityAssessmentGatedDeployment));
      },
      { timeout: 15_000 },
    )
    .toBe(true);
}

interface PolicyRule {
  name: string;
  action: string;
  scope: { matcherType: string; anyOf: string[] }[];
  configuration: { blockUnscannedImages?: boolean; maxAllowedSeverities: Record<string, number> };
}

interface Spec {
  vulnerabilityAssessmentGatedDeployment: PolicyRule[];
}

test("exercise 1: an audit rule is written in three tabs and is in force in the cluster", async () => {
  await page.getByRole("button", { name: "Add rule" }).click();
  const panel = page.getByRole("dialog", { name: "Add vulnerability assessment rule" });
  await expect(panel.getByRole("button", { name: "Next" })).toBeDisabled();
  await panel.getByLabel("Rule name").fill(RULE);
  await panel.getByLabel("Rule description").fill("An example of security rules for gated deployment.");
  await panel.getByLabel("Scope name").fill("Test pods");
  await panel.getByRole("button", { name: "Add condition" }).click();
  await expect(panel.getByRole("button", { name: "Next" })).toBeDisabled();
  await panel.getByRole("combobox", { name: "Matcher type" }).click();
  await page.getByRole("option", { name: "Pod name" }).click();
  await panel.getByRole("combobox", { name: "Operator" }).click();
  await page.getByRole("option", { name: "Contains" }).click();
  await panel.getByLabel("Condition values").fill("gatebrowser");
  await panel.getByLabel("Condition values").press("Enter");
  await panel.getByRole("button", { name: "Next" }).click();

  await panel.getByRole("switch", { name: "Block all deployments with missing artifacts" }).click();
  await expect(panel.getByRole("combobox", { name: "Condition" })).toHaveText("High severity threshold");
  await expect(panel.getByLabel("Allowed count")).toHaveValue("0");
  await panel.getByRole("button", { name: "Next" }).click();

  await panel.getByRole("button", { name: "Add allowed vulnerabilities" }).click();
  await expect(panel.getByRole("button", { name: "Add rule" })).toBeDisabled();
  await panel.getByRole("textbox", { name: "Vulnerability" }).fill("CVE-1234-56789");
  await panel.getByRole("switch", { name: "Time bound" }).click();
  await expect(panel.getByLabel("Valid until")).toHaveValue(/until \d/);
  await panel.getByRole("textbox", { name: "Reason" }).fill("fix scheduled");
  await panel.getByRole("button", { name: "Add rule" }).click();
  await expect(panel).toBeHidden();
  await expect(row(RULE)).toContainText("Audit");
  await expect(row(RULE)).toContainText("Test pods");
  await inCluster((rules) => {
    const found = rules.find((rule) => rule.name === RULE);
    return (
      found?.action === "audit" &&
      found.scope[0]?.anyOf[0] === "*gatebrowser*" &&
      found.configuration.blockUnscannedImages === true &&
      found.configuration.maxAllowedSeverities["high"] === 0 &&
      rules.at(-1)?.name === "Default vulnerability assessment rule"
    );
  });
});

test("exercise 1: the rule is dragged to the top, saved, and first in the cluster", async () => {
  const handle = page.getByRole("button", { name: `Move ${RULE}` });
  const from = await handle.boundingBox();
  const to = await page.getByRole("button", { name: /^Move / }).first().boundingBox();
  if (!from || !to) throw new Error("no handles");
  await page.mouse.move(from.x + 16, from.y + 16);
  await page.mouse.down();
  await page.mouse.move(from.x + 16, from.y, { steps: 4 });
  await page.mouse.move(to.x + 16, to.y + 4, { steps: 8 });
  await page.mouse.up();
  await expect(row(RULE).getByRole("cell").nth(2)).toHaveText("1");
  const save = page.getByRole("toolbar").getByRole("button", { name: "Save" });
  await save.click();
  await expect(save).toBeDisabled();
  await inCluster((rules) => rules[0]?.name === RULE);
});

test("a rule is moved by the keyboard, and the staged order can be discarded", async () => {
  await page.getByRole("button", { name: `Move ${RULE}` }).focus();
  const live = page.locator("[id^=DndLiveRegion]");
  await page.keyboard.press("Space");
  await expect(live).toContainText(`Picked up ${RULE}`);
  await expect(async () => {
    await page.keyboard.press("ArrowDown"); // what is pressed before the sensor listens is lost
    await expect(live).toContainText("is at priority 2", { timeout: 1_000 });
  }).toPass();
  await page.keyboard.press("Space");
  await expect(row(RULE).getByRole("cell").nth(2)).toHaveText("2");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(row(RULE).getByRole("cell").nth(2)).toHaveText("1");
});

test("exercise 3: the vulnerable image runs, with a warning", async () => {
  const said = await kubectl("run", AUDIT_POD, `--image=${image()}`);
  expect(said.code).toBe(0);
  expect(said.text).toContain("which is more than the allowed count of: 0");
  expect(said.text).toContain(`rule "${RULE}" (audit)`);
});

test("exercise 4: the rule is changed to deny, and the image is refused", async () => {
  await row(RULE).getByRole("checkbox").check();
  await page.getByRole("toolbar").getByRole("button", { name: "Edit" }).click();
  const panel = page.getByRole("dialog", { name: "Edit vulnerability assessment rule" });
  await panel.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Deny" }).click();
  await panel.getByRole("button", { name: "Save rule" }).click();
  await expect(panel).toBeHidden();
  await expect(row(RULE)).toContainText("Deny");
  await inCluster((rules) => rules[0]?.action === "deny");
  await expect
    .poll(async () => (await kubectl("run", DENY_POD, `--image=${image()}`)).text, { timeout: 15_000 })
    .toContain("denied the request");
});

test("exercise 5: both decisions are events, with what decided", async () => {
  await page.getByRole("link", { name: "Admission Monitoring" }).click();
  await expect(row(AUDIT_POD)).toContainText("Audit");
  await expect(row(DENY_POD).first()).toContainText("Deny");
  await row(DENY_POD).first().click();
  const panel = page.getByRole("dialog", { name: DENY_POD });
  await expect(panel).toContainText("Critical CVE: 12");
  await expect(panel.getByRole("link", { name: RULE })).toBeVisible();
  await expect(panel).toContainText("sha256:");
  await expect(panel).toContainText("higher than 0");
  await expect(panel.getByRole("grid", { name: "Findings that counted" })).toContainText("CVE-");
  await page.reload();
  await expect(page.getByRole("dialog", { name: DENY_POD })).toContainText("Policy evaluation");
});

test("filters are kept in the address and come back with it", async () => {
  await page.goto(`${site().portal}/monitoring?action=audit&search=gatebrowser`);
  await expect(row(AUDIT_POD)).toBeVisible();
  await expect(row(DENY_POD)).toHaveCount(0);
  await page.getByRole("button", { name: "Remove filter Admission action" }).click();
  await expect(row(DENY_POD).first()).toBeVisible();
  expect(new URL(page.url()).searchParams.get("action")).toBeNull();
});

test("an event appears by itself within seconds of the decision", async () => {
  await page.goto(`${site().portal}/monitoring?search=gatebrowser-live`);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(page.getByText("No event matches")).toBeVisible();
  await kubectl("run", "gatebrowser-live", `--image=${image()}`);
  await expect(row("gatebrowser-live").first()).toBeVisible({ timeout: 5_000 });
});

test("changes that were not saved are not lost without a question", async () => {
  await page.goto(`${site().portal}/rules`);
  await page.getByRole("link", { name: RULE }).click();
  const panel = page.getByRole("dialog", { name: "Edit vulnerability assessment rule" });
  await panel.getByLabel("Rule description").fill("Something else");
  await panel.getByRole("button", { name: "Close" }).click();
  const question = page.getByRole("alertdialog", { name: "Leave without saving?" });
  await question.getByRole("button", { name: "Keep editing" }).click();
  await expect(panel.getByLabel("Rule description")).toHaveValue("Something else");
  await panel.getByRole("button", { name: "Cancel" }).click();
  await question.getByRole("button", { name: "Discard changes" }).click();
  await expect(panel).toBeHidden();
});

test("a rule that somebody else changed meanwhile is not overwritten silently", async () => {
  await page.getByRole("link", { name: RULE }).click();
  const panel = page.getByRole("dialog", { name: "Edit vulnerability assessment rule" });
  await panel.getByLabel("Rule description").fill("Mine");
  const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";
  const changed = await fetch(`${site().hub}/api/v1/rules/${id}/disable`, {
    method: "POST",
    headers: { Authorization: `Bearer ${site().adminToken}` },
  });
  expect(changed.status).toBe(200);
  await panel.getByRole("button", { name: "Save rule" }).click();
  await expect(panel.getByText(/changed/)).toBeVisible();
  await panel.getByRole("button", { name: "Save mine over it" }).click();
  await expect(panel).toBeHidden();
  await expect(row(RULE)).toContainText("Enabled");
});

test("the rules are shown as the policy object, to copy", async () => {
  await page.getByRole("button", { name: "As policy object" }).click();
  const panel = page.getByRole("dialog", { name: "As policy object" });
  await expect(panel).toContainText("kind: SecurityArtifactPolicy");
  await expect(panel).toContainText("*gatebrowser*");
  await panel.getByRole("button", { name: "Close" }).first().click();
});

test("a rule is disabled, enabled, duplicated and deleted from the toolbar", async () => {
  const tool = (name: string) => page.getByRole("toolbar").getByRole("button", { name, exact: true });
  await row(RULE).getByRole("checkbox").check();
  await tool("Disable").click();
  await expect(row(RULE)).toContainText("Disabled");
  await tool("Enable").click();
  await expect(row(RULE)).toContainText("Enabled");
  await tool("Duplicate rule").click();
  const panel = page.getByRole("dialog", { name: "Edit vulnerability assessment rule" });
  await expect(panel.getByLabel("Rule name")).toHaveValue(/Browser lab.+/);
  await panel.getByRole("button", { name: "Close" }).click();
  await tool("Delete rule").click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(row(RULE)).toHaveCount(1);
});

test("the default rule cannot be deleted", async () => {
  await page.goto(`${site().portal}/rules`);
  await row("Default vulnerability assessment rule").getByRole("checkbox").check();
  await expect(page.getByRole("toolbar").getByRole("button", { name: "Delete rule" })).toBeDisabled();
});
