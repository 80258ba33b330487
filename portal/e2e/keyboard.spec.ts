// A rule is written, changed, moved and deleted without a pointer.
import { expect, type Page } from "@playwright/test";

import { signIn, site, test } from "./site";
import { undo, whileDenying } from "./states";

const RULE = "Keyboard rule";
const MOST_STEPS = 60;

/** What the focused element is called: its label, else its text. */
const focusedName = (page: Page) =>
  page.evaluate(() => {
    const found = document.activeElement;
    if (!found || found === document.body) return "";
    const labels = (found as HTMLInputElement).labels;
    const by = (found.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "");
    const named = by.join(" ").trim() || found.getAttribute("aria-label") || labels?.[0]?.textContent || found.textContent || "";
    return named.replace(/\s*\*$/, "").trim();
  });

/** Presses a key until what is wanted has the focus. */
async function pressUntil(page: Page, key: string, name: string | RegExp) {
  const wanted = (text: string) => (typeof name === "string" ? text === name : name.test(text));
  const seen: string[] = [];
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const now = await focusedName(page);
    if (wanted(now)) return;
    seen.push(now);
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not lead to ${String(name)}; it led to ${seen.join(", ")}`);
}

const tabTo = (page: Page, name: string | RegExp) => pressUntil(page, "Tab", name);

/** Enters the toolbar, which is one stop, and goes along it. */
async function tool(page: Page, name: string) {
  await tabTo(page, "Refresh");
  await pressUntil(page, "ArrowRight", name);
}

async function choose(page: Page, box: string | RegExp, option: string) {
  await tabTo(page, box);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("listbox")).toBeVisible();
  await page.keyboard.type(option.slice(0, 4));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("combobox", { name: box }).last()).toHaveText(option);
}

test("a rule is made, moved, changed and deleted by keys alone", async ({ page }) => {
  const row = page.getByRole("row").filter({ hasText: RULE });
  await signIn(page, "/rules");
  await row.or(page.getByRole("row", { name: /Default vulnerability/ })).first().waitFor();
  await tool(page, "Add rule");
  await page.keyboard.press("Enter");
  const panel = page.getByRole("dialog", { name: "Add vulnerability assessment rule" });
  await expect(panel).toBeVisible();
  await tabTo(page, "Rule name");
  await page.keyboard.type(RULE);
  await choose(page, "Action", "Deny");
  await tabTo(page, "Add condition");
  await page.keyboard.press("Enter");
  await choose(page, "Matcher type", "Pod name");
  await choose(page, "Operator", "Starts with");
  await tabTo(page, "Condition values");
  await page.keyboard.type("no-such-pod");
  await page.keyboard.press("Enter");
  await tabTo(page, "Next");
  await page.keyboard.press("Enter");
  await expect(panel.getByRole("combobox", { name: "Condition" })).toHaveText("High severity threshold");
  await tabTo(page, "Block all deployments with missing artifacts");
  await page.keyboard.press("Space");
  await tabTo(page, "Next");
  await page.keyboard.press("Enter");
  await tabTo(page, "Add allowed vulnerabilities");
  await page.keyboard.press("Enter");
  await tabTo(page, "Vulnerability");
  await page.keyboard.type("CVE-2024-0001");
  await tabTo(page, "Reason");
  await page.keyboard.type("fix scheduled");
  await tabTo(page, "Add rule");
  await page.keyboard.press("Enter");
  await expect(panel).toBeHidden();
  await expect(row).toContainText("Deny");

  await tabTo(page, `Move ${RULE}`);
  const live = page.locator("[id^=DndLiveRegion]");
  await page.keyboard.press("Space");
  await expect(live).toContainText(RULE);
  await expect(async () => {
    await page.keyboard.press("ArrowUp");
    await expect(live).toContainText("is at priority 1", { timeout: 1_000 });
  }).toPass();
  await page.keyboard.press("Space");
  await expect(live).toContainText("not saved yet");
  await pressUntil(page, "Shift+Tab", /^(Refresh|Save|Add rule)$/);
  await pressUntil(page, "ArrowLeft", "Save");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("toolbar").getByRole("button", { name: "Save" })).toBeDisabled();
  await page.reload();
  await expect(page.getByRole("row").nth(1)).toContainText(RULE);

  await tabTo(page, `Select ${RULE}`);
  await page.keyboard.press("Space");
  await page.keyboard.press("Shift+Tab");
  await pressUntil(page, "Shift+Tab", /^(Refresh|Edit)$/);
  await pressUntil(page, "ArrowRight", "Edit");
  await page.keyboard.press("Enter");
  await choose(page, "Action", "Audit");
  await tabTo(page, "Save rule");
  await page.keyboard.press("Enter");
  await expect(row).toContainText("Audit");

  await pressUntil(page, "Shift+Tab", /^(Refresh|Edit|Delete rule)$/);
  await pressUntil(page, "ArrowRight", "Delete rule");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alertdialog", { name: `Delete “${RULE}”?` })).toBeVisible();
  await tabTo(page, "Delete");
  await page.keyboard.press("Enter");
  await expect(row).toHaveCount(0);
  await expect.poll(() => focusedName(page), "the focus is not lost with what was deleted").not.toBe("");
});

test("the first Tab of a page skips the navigation", async ({ page }) => {
  await signIn(page, "/clusters");
  await page.goto(`${site().portal}/clusters`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.keyboard.press("Tab");
  expect(await focusedName(page)).toBe("Skip to content");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  expect(await focusedName(page)).toBe("Refresh");
});

test("what is recommended while a deny rule is new is read, looked up and dismissed by keys alone", async ({ page }) => {
  await whileDenying("/")();
  try {
    await signIn(page, "/rules");
    await expect(page.getByText(/deny rules? (is|are) new/)).toBeVisible();
    await tabTo(page, "Show how");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog", { name: "Own pods of workloads" })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("button", { name: "Show how" })).toBeFocused();
    await tabTo(page, "Dismiss the recommendation");
    await page.keyboard.press("Enter");
    await expect(page.getByText(/deny rules? (is|are) new/)).toHaveCount(0);
    await expect(page.getByRole("main")).toBeFocused();
  } finally {
    await undo();
  }
});
