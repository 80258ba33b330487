// No page, panel or dialog has a fault that axe calls serious or critical, in either theme.
import { expect, type Page } from "@playwright/test";

import { faults } from "./axe";
import { makeUser, giveCredentials, openSignIn, prepare, signIn, site, test } from "./site";
import { VIEWS, open } from "./views";

test.beforeAll(prepare);

let page: Page;

test.beforeAll(async ({ browser }) => {
  page = await browser.newPage();
  await signIn(page);
});

test.afterAll(() => page.close());

test("sign-in, by password, refused, by token, and the change of the first password", async ({ browser, request }) => {
  const initial = await makeUser(request, "axe.person", "reader");
  const stranger = await browser.newPage();
  await openSignIn(stranger);
  expect(await faults(stranger)).toEqual([]);
  await giveCredentials(stranger, "axe.person", "a guess that is wrong");
  await stranger.getByRole("alert").waitFor();
  expect(await faults(stranger)).toEqual([]);
  await giveCredentials(stranger, "axe.person", initial);
  await stranger.getByRole("heading", { name: "Choose a password" }).waitFor();
  expect(await faults(stranger)).toEqual([]);
  await stranger.close();
});

for (const view of VIEWS) {
  test(view.name, async () => {
    await open(page, view);
    expect(await faults(page)).toEqual([]);
  });
}

for (const [what, path, call] of [
  ["a list", "/monitoring", "**/api/v1/events?**"],
  ["the overview", "/overview", "**/api/v1/overview?**"],
  ["an image", `/registries/r/a/sha256:${"0".repeat(64)}`, "**/api/v1/images/lookup?**"],
] as const) {
  test(`${what} that is still loading, and one that the hub could not give`, async () => {
    let fail: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (fail = resolve));
    await page.route(call, async (route) => {
      await held;
      await route.fulfill({
        status: 500,
        contentType: "application/problem+json",
        body: JSON.stringify({ title: "Internal Server Error", detail: "Something in the hub failed." }),
      });
    });
    await page.goto(site().portal + path);
    await page.locator("[aria-busy=true], .fui-Skeleton").first().waitFor();
    expect(await faults(page)).toEqual([]);
    fail();
    await page.getByRole("alert").filter({ hasText: "Something in the hub failed." }).waitFor();
    expect(await faults(page)).toEqual([]);
    await page.unroute(call);
  });
}
