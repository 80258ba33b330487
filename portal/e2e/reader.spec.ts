// A Security Reader sees everything that is not of accounts, and is offered nothing that changes it.
import { expect, type Page } from "@playwright/test";

import { pageOfReader, prepare, site, test } from "./site";
import { VIEWS, open, settled } from "./views";

/** Whatever these say, a click on it would change something. */
const WRITES =
  /^(save|save rule|discard|edit|add|add rule|add user|duplicate|duplicate rule|delete|delete rule|enable|disable|import|move .*|scan now|test now|remove|add registry|save registry|enrol.*|acknowledge.*|make.*|revoke|reset.*|switch.*|add condition|clear all|remove condition|remove exemption|add exemption|add allowed.*|on|off)$/i;

/** Pages that are a reader's, and where on them anything could be changed by somebody else. */
const PLACES = VIEWS.filter(({ forReaders }) => forReaders);

let page: Page;

test.beforeAll(async ({ browser, request }) => {
  await prepare();
  page = await pageOfReader(browser, request, "/overview");
});

test.afterAll(() => page.close());

for (const place of PLACES) {
  test(`${place.name}: is shown, offers no change, and nothing on it is broken`, async () => {
    await open(page, place);
    // The banner of a cluster that is not gated is for readers too.
    await expect(page.getByRole("alert").filter({ hasNotText: "Cluster frankfurt-1 may not be gated" })).toHaveCount(0);
    const offered = await page
      .locator("button, [role=button], [role=switch], input[type=checkbox]")
      .filter({ visible: true })
      .evaluateAll((found) =>
        found
          .filter((each) => !each.matches(":disabled, [aria-disabled=true]"))
          .map((each) => (each.getAttribute("aria-label") ?? (each.textContent || each.getAttribute("name")) ?? "").trim()),
      );
    expect(offered.filter((name) => WRITES.test(name))).toEqual([]);
  });
}

test("what only administrators see is not in the navigation, and refused by its address with the reason", async () => {
  await page.goto(`${site().portal}/overview`);
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Audit log" })).toHaveCount(0);
  await page.goto(`${site().portal}/audit`);
  await expect(page.getByRole("alert")).toContainText("has the role reader; this needs admin");
  await page.goto(`${site().portal}/settings/users`);
  await expect(page.getByRole("tab", { name: "Components" })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByRole("tab", { name: "Users" })).toHaveCount(0);
});

test("a panel that writes does not open by its address", async () => {
  for (const path of ["/rules/new", "/clusters/-enrol", "/settings/registries/-add"]) {
    await page.goto(site().portal + path);
    await settled(page);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.getByRole("button", { name: /^(add rule|make the token|add registry)$/i })).toHaveCount(0);
  }
});

const REFUSED: [method: string, path: string, body?: object][] = [
  ["POST", "/api/v1/rules", { rule: { name: "of a reader", action: "audit", configuration: { blockUnscannedImages: true } } }],
  ["PUT", "/api/v1/settings", { evaluationMode: "Strictest" }],
  ["POST", "/api/v1/clusters/enrolments", { name: "of-a-reader" }],
  ["PUT", "/api/v1/clusters/local/gating", { gating: "Off", password: "x" }],
  ["POST", "/api/v1/images/scan", { registry: "localhost:1", repository: "a", digest: `sha256:${"0".repeat(64)}`, tags: [] }],
  ["PUT", "/api/v1/registries/configured/registry.test", { connection: {}, polling: {}, testRepository: "" }],
  ["POST", "/api/v1/registries/configured/registry.test/test", {}],
  ["DELETE", "/api/v1/registries/configured/registry.test", {}],
  ["POST", "/api/v1/tokens", { name: "of-a-reader", role: "admin" }],
  ["POST", "/api/v1/users", { name: "of-a-reader", role: "admin" }],
];

for (const [method, path, body] of REFUSED) {
  test(`${method} ${path} from the reader's own page is 403`, async () => {
    const status = await page.evaluate(
      async ([verb, where, text]) => {
        const session = (await (await fetch("/api/v1/session")).json()) as { csrfToken: string };
        const headers = { "X-Tidegate-CSRF": session.csrfToken, "Content-Type": "application/json" };
        return (await fetch(where, { method: verb, headers, body: text })).status;
      },
      [method, path, JSON.stringify(body)] as const,
    );
    expect(status).toBe(403);
  });
}
