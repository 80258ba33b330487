// Users as an administrator manages them, and what each change means for the person.
import { expect, type Page } from "@playwright/test";

import { giveCredentials, openSignIn, signIn, test } from "./site";

const NAME = "browser.person";
const PASSWORD = "anchor chain and capstan";

const row = (page: Page) => page.getByRole("row").filter({ hasText: NAME });
const tool = (page: Page, name: string) => page.getByRole("toolbar", { name: "Users" }).getByRole("button", { name, exact: true });

/** Returns the password that is shown this once, and closes the dialog. */
async function readSecret(page: Page): Promise<string> {
  const shown = page.getByRole("alertdialog", { name: `The initial password of ${NAME}` });
  const secret = (await shown.locator("[title]").first().getAttribute("title")) ?? "";
  await shown.getByRole("button", { name: "I have copied it" }).click();
  await expect(shown).toBeHidden();
  return secret;
}

async function changeFirstPassword(page: Page, initial: string) {
  await giveCredentials(page, NAME, initial);
  await page.getByLabel("Current password").fill(initial);
  await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
}

test("a user is made, reset, disabled, enabled, promoted and deleted, and each holds at once", async ({ page, browser }) => {
  test.slow();
  await signIn(page, "/settings/users");
  await tool(page, "Add user").click();
  const form = page.getByRole("alertdialog", { name: "Add a user" });
  await form.getByRole("textbox", { name: "Name", exact: true }).fill("Not A Name");
  await expect(form.getByText(/Lower-case letters, digits/)).toBeVisible();
  await expect(form.getByRole("button", { name: "Add", exact: true })).toBeDisabled();
  await form.getByRole("textbox", { name: "Name", exact: true }).fill(NAME);
  await form.getByLabel("Display name").fill("A Person");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  const initial = await readSecret(page);
  await expect(row(page)).toContainText("Security Reader");
  await expect(row(page)).toContainText("Password to change");

  const person = await browser.newPage();
  await openSignIn(person, "/rules");
  await changeFirstPassword(person, initial);
  await expect(person.getByRole("button", { name: "Add rule" })).toHaveCount(0);
  await page.reload();
  await expect(row(page)).toContainText("Active");

  await row(page).click();
  await tool(page, "Edit").click();
  await page.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: "Security Admin" }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(row(page)).toContainText("Security Admin");
  await person.reload();
  await expect(person.getByRole("button", { name: "Add rule" })).toBeVisible();

  await tool(page, "Reset password").click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Reset" }).click();
  const second = await readSecret(page);
  expect(second).not.toBe(initial);
  await person.reload();
  await person.getByRole("heading", { name: "Sign in" }).waitFor();
  await giveCredentials(person, NAME, PASSWORD);
  await expect(person.getByRole("alert")).toContainText("The name or the password is wrong");
  await changeFirstPassword(person, second);

  await tool(page, "Disable").click();
  await expect(row(page)).toContainText("Disabled");
  await person.reload();
  await person.getByRole("heading", { name: "Sign in" }).waitFor();
  await giveCredentials(person, NAME, PASSWORD);
  await expect(person.getByRole("alert")).toContainText("The name or the password is wrong");
  await tool(page, "Enable").click();
  await expect(row(page)).toContainText("Active");

  await tool(page, "Delete").click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(row(page)).toHaveCount(0);
  await giveCredentials(person, NAME, PASSWORD);
  await expect(person.getByRole("alert")).toContainText("The name or the password is wrong");
  await person.close();

  await page.goto(page.url().replace("/settings/users", "/audit"));
  await expect(page.getByRole("row").filter({ hasText: NAME }).filter({ hasText: /deleted/i })).toBeVisible();
});

test("a name that is taken is refused beside the form, and nothing is lost", async ({ page }) => {
  await signIn(page, "/settings/users");
  await tool(page, "Add user").click();
  const form = page.getByRole("alertdialog", { name: "Add a user" });
  await form.getByRole("textbox", { name: "Name", exact: true }).fill("admin");
  await form.getByLabel("Display name").fill("Kept");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await expect(form.getByRole("alert")).toContainText(/admin/);
  await expect(form.getByLabel("Display name")).toHaveValue("Kept");
});
