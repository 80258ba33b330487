// Every way in, and what is read by those who do not come in.
import { expect, type Page } from "@playwright/test";

import { asAdmin, giveCredentials, makeUser, openSignIn, signIn, test } from "./site";

const main = (page: Page) => page.getByRole("navigation", { name: "Main" });
const alert = (page: Page) => page.getByRole("alert");

test("the first password is changed before anything else can be seen", async ({ page, request }) => {
  const initial = await makeUser(request, "ann", "admin");
  await openSignIn(page, "/clusters");
  await giveCredentials(page, "ann", "a guess that is wrong");
  await expect(alert(page)).toContainText("The name or the password is wrong");
  await giveCredentials(page, "ann", initial);

  await page.getByRole("heading", { name: "Choose a password" }).waitFor();
  await expect(main(page)).toHaveCount(0);
  const change = page.getByRole("button", { name: "Change password" });
  const fill = async (current: string, next: string, again = next) => {
    await page.getByLabel("Current password").fill(current);
    await page.getByLabel("New password", { exact: true }).fill(next);
    await page.getByLabel("New password again").fill(again);
  };
  await fill(initial, "mooring at high water", "mooring at low water");
  await expect(page.getByText("The two differ")).toBeVisible();
  await expect(change).toBeDisabled();
  await fill(initial, "short");
  await change.click();
  await expect(alert(page)).toContainText(/want at least \d+/);
  await fill("not the one that was given", "mooring at high water");
  await change.click();
  await expect(alert(page)).toContainText("The current password is wrong");
  await fill(initial, "mooring at high water");
  await change.click();
  await expect(page.getByRole("heading", { level: 1, name: "Clusters" })).toBeVisible();

  await page.getByRole("button", { name: /ann/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await giveCredentials(page, "ann", initial);
  await expect(alert(page)).toContainText("The name or the password is wrong");
  await giveCredentials(page, "ann", "mooring at high water");
  await main(page).waitFor();
});

test("who guesses is told to wait, also with the right password", async ({ page, request }) => {
  const password = await makeUser(request, "lou", "reader");
  await openSignIn(page);
  for (let guess = 0; guess < 6; guess += 1) {
    await giveCredentials(page, "lou", `guess number ${guess}`);
    await expect(page.getByRole("button", { name: "Sign in", exact: true })).toBeEnabled();
  }
  await giveCredentials(page, "lou", password);
  await expect(alert(page)).toContainText("Too many sign-ins failed; try again later");
});

test("a token that the hub does not know opens nothing, and says so", async ({ page }) => {
  await openSignIn(page);
  await page.getByRole("button", { name: "Use an API token instead" }).click();
  await page.getByLabel("API token").fill("made-up");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(alert(page)).toContainText("The token is unknown or revoked");
});

test("a session that ended elsewhere leads back to the sign-in", async ({ page, request }) => {
  const initial = await makeUser(request, "gone", "reader");
  await openSignIn(page);
  await giveCredentials(page, "gone", initial);
  await page.getByRole("heading", { name: "Choose a password" }).waitFor();
  await page.getByLabel("Current password").fill(initial);
  await page.getByLabel("New password", { exact: true }).fill("soon to be forgotten");
  await page.getByLabel("New password again").fill("soon to be forgotten");
  await page.getByRole("button", { name: "Change password" }).click();
  await main(page).waitFor();
  await asAdmin(request, "delete", "/api/v1/users/gone");
  await page.getByRole("link", { name: "Clusters" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test.describe("at the provider", () => {
  /** Goes to the provider by the portal's button and signs in there by its own form. */
  async function goThere(page: Page, login: string, path = "/") {
    await openSignIn(page, path);
    await page.getByRole("link", { name: "Sign in with Example" }).click();
    await page.getByRole("textbox", { name: /login/i }).fill(login);
    await page.getByPlaceholder(/password/i).fill("any");
    await page.getByRole("button", { name: /sign-in/i }).click();
    await page.getByRole("button", { name: /continue/i }).click();
  }

  test("who has a value for it comes in, to the page that was asked for", async ({ page }) => {
    await goThere(page, "ada", "/settings/tokens");
    await expect(page.getByRole("button", { name: "Make a token" })).toBeVisible();
    await expect(page.getByRole("button", { name: /ada <b>Example<\/b>.*Security Admin/ })).toBeVisible();
  });

  test("a reader of the provider is a reader here", async ({ page }) => {
    await goThere(page, "rob", "/rules");
    await expect(page.getByRole("button", { name: /Security Reader/ })).toBeVisible();
    await expect(page.getByRole("button", { name: "Add rule" })).toHaveCount(0);
  });

  test("who has no role is told so, and what to do", async ({ page }) => {
    await goThere(page, "eve");
    await expect(alert(page)).toContainText(/role/i);
    await expect(main(page)).toHaveCount(0);
    await page.reload();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  });

  test("who turns back there is told that nothing happened", async ({ page }) => {
    await openSignIn(page);
    await page.getByRole("link", { name: "Sign in with Example" }).click();
    await page.getByRole("link", { name: /cancel/i }).click();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await expect(alert(page)).toBeVisible();
  });

  test("somebody who was disabled here is told so", async ({ page, request }) => {
    const rob = { role: "reader", displayName: "rob <b>Example</b>" };
    await asAdmin(request, "put", "/api/v1/users/oidc:rob", { ...rob, enabled: false });
    await goThere(page, "rob");
    await expect(alert(page)).toContainText(/disabled/i);
    await asAdmin(request, "put", "/api/v1/users/oidc:rob", { ...rob, enabled: true });
  });
});

test("who signed in by a token reads which role it gives", async ({ page }) => {
  await signIn(page);
  await expect(page.getByRole("button", { name: /Security Admin/ })).toBeVisible();
});
