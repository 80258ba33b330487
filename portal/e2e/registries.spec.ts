// A registry is configured in the portal: what is secret leaves the browser sealed, and a worker tests it.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";

import { expect, type Page } from "@playwright/test";

import { faults } from "./axe";
import { asAdmin, pageOfReader, signIn, site, test } from "./site";

test.describe.configure({ mode: "serial" });

const ROOT = path.resolve(import.meta.dirname, "../..");
const GUESS = "a guess that is wrong";
/** A worker takes up what is configured within seconds, and a test some more. */
const TESTED_MS = 60_000;

interface Registry {
  host: string;
  username: string;
  password: string;
}

let registry: Registry;
let server: ChildProcess;
const folder = mkdtempSync(path.join(tmpdir(), "tidegate-private-"));

/** A real registry that asks for a password. */
test.beforeAll(async () => {
  const env = { ...process.env, PYTHONPATH: path.join(ROOT, "src") };
  const python = process.env["PYTHON"] ?? path.join(ROOT, ".venv/bin/python");
  server = spawn(python, [path.join(ROOT, "tests/support/private_registry.py"), folder], { env, stdio: ["pipe", "pipe", "inherit"] });
  registry = await new Promise<Registry>((resolve, reject) => {
    if (!server.stdout) throw new Error("the registry has no standard output");
    readline.createInterface({ input: server.stdout }).once("line", (line) => resolve(JSON.parse(line) as Registry));
    server.once("exit", (code) => reject(new Error(`the registry ended with code ${code} before it was ready`)));
  });
});

test.afterAll(async () => {
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  server.stdin?.end();
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

const panel = (page: Page) => page.getByRole("dialog", { name: registry.host, exact: true });
const editor = (page: Page) => page.getByRole("dialog", { name: /^(Add registry|Edit )/ });
const row = (page: Page) => page.getByRole("row").filter({ hasText: registry.host });

async function enter(page: Page, password: string) {
  await editor(page).getByRole("radio", { name: /ntered here/ }).click();
  await editor(page).getByLabel("User name").fill(registry.username);
  await editor(page).getByLabel("Password or token").fill(password);
}

test("a wrong password is told by the worker that tried it, and the right one mends it", async ({ page }) => {
  test.setTimeout(3 * TESTED_MS);
  const bodies: string[] = [];
  page.on("request", (request) => bodies.push(request.postData() ?? ""));
  await signIn(page, "/settings/registries");
  await page.getByRole("button", { name: "Add registry" }).click();
  const save = editor(page).getByRole("button", { name: "Add registry" });
  await expect(save).toBeDisabled();
  await editor(page).getByRole("textbox", { name: "Registry" }).fill(registry.host.toUpperCase());
  await editor(page).getByRole("textbox", { name: "Address" }).fill("registry.example/v2");
  await expect(editor(page).getByText("Want https:// or http://")).toBeVisible();
  await editor(page).getByRole("textbox", { name: "Address" }).fill(`http://${registry.host}`);
  await expect(editor(page).getByText("Without TLS, credentials travel in the clear")).toBeVisible();
  await editor(page).getByRole("switch", { name: /private or loopback/ }).click();
  await editor(page).getByRole("textbox", { name: "Test repository" }).fill("team/app");
  await enter(page, GUESS);
  await expect(editor(page).getByText(/Sealed in this browser for 1 worker/)).toBeVisible();
  expect(await faults(page)).toEqual([]);
  await save.click();

  await expect(row(page)).toContainText("Does not work", { timeout: TESTED_MS });
  await row(page).click();
  await expect(page).toHaveURL(new RegExp(`/settings/registries/${encodeURIComponent(registry.host)}$`));
  await expect(panel(page).getByRole("alert")).toContainText("The test failed");
  await expect(panel(page).getByRole("alert")).toContainText(/credentials|401/);
  await expect(panel(page).getByRole("row").filter({ hasText: "Yes" })).toHaveCount(1);
  expect(await faults(page)).toEqual([]);

  await panel(page).getByRole("button", { name: "Edit" }).click();
  await expect(editor(page).getByRole("radio", { name: "Those that were entered before" })).toBeChecked();
  await expect(editor(page).locator(":focus"), "the editor has the focus, not what it covers").toHaveCount(1);
  await enter(page, registry.password);
  await editor(page).getByRole("button", { name: "Save registry" }).click();
  await expect(row(page), "the keyboard goes on from what was saved").toBeFocused();
  await expect(row(page)).toContainText("Works", { timeout: TESTED_MS });
  await expect(row(page)).toContainText("Sealed");
  const sent = bodies.join("\n");
  expect(sent).toContain("ciphertext");
  expect(sent).not.toContain(GUESS);
  expect(sent).not.toContain(registry.password);
  for (const file of ["hub.db", "hub.db-wal"]) {
    const kept = readFileSync(path.join(site().dataDir, "hub", file));
    expect([kept.includes(GUESS), kept.includes(registry.password)]).toEqual([false, false]);
  }
});

test("kept credentials go with the connection that they were entered for", async ({ page }) => {
  await signIn(page, `/settings/registries/${encodeURIComponent(registry.host)}/edit`);
  const save = editor(page).getByRole("button", { name: "Save registry" });
  await editor(page).getByRole("textbox", { name: "Address" }).fill(`http://localhost:1`);
  await expect(editor(page).getByText("They are bound to the connection, which you changed")).toBeVisible();
  await expect(save).toBeDisabled();
  await editor(page).getByRole("button", { name: "Close" }).click();
  const question = page.getByRole("alertdialog", { name: "Leave without saving?" });
  await question.getByRole("button", { name: "Keep editing" }).click();
  await expect(editor(page).getByRole("textbox", { name: "Address" })).toHaveValue("http://localhost:1");
  await editor(page).getByRole("textbox", { name: "Address" }).fill(`http://${registry.host}`);
  await editor(page).getByRole("switch", { name: /Look for them/ }).click();
  await editor(page).getByRole("textbox", { name: "Look every" }).fill("1");
  await editor(page).getByRole("textbox", { name: "Repositories" }).fill("team/app");
  await editor(page).getByRole("textbox", { name: "Repositories" }).press("Enter");
  await save.click();
  await expect(row(page)).toContainText("Works", { timeout: TESTED_MS });
  await expect(row(page)).toContainText(/Every minute|Being looked through|Looking fails/);
  await row(page).click();
  await expect(panel(page).getByText("every minute, 120 requests a minute at most")).toBeVisible();
});

test("a test is asked for again, and says when it was", async ({ page }) => {
  await signIn(page, `/settings/registries/${encodeURIComponent(registry.host)}`);
  const tested = panel(page).locator("dt", { hasText: /^Tested$/ }).locator("+ dd").locator("time");
  const before = await tested.getAttribute("datetime");
  await panel(page).getByRole("button", { name: "Test now" }).click();
  await expect(tested).not.toHaveAttribute("datetime", before ?? "", { timeout: TESTED_MS });
  await expect(panel(page).getByRole("button", { name: "Test now" })).toBeEnabled();
});

test("a Security Reader sees it all and changes nothing", async ({ browser, request }) => {
  const page = await pageOfReader(browser, request, "/settings/registries");
  await expect(page.getByRole("button", { name: "Add registry" })).toHaveCount(0);
  await expect(row(page)).toContainText("Sealed");
  await row(page).click();
  await expect(panel(page).getByText("by the fallback tag").or(panel(page).getByText("by the API"))).toBeVisible();
  await expect(panel(page).getByRole("button", { name: /Edit|Test now|Remove/ })).toHaveCount(0);
  for (const address of [`${encodeURIComponent(registry.host)}/edit`, "-add"]) {
    await page.goto(`${site().portal}/settings/registries/${address}`);
    await expect(row(page)).toBeVisible();
    await expect(page.getByRole("button", { name: /Save registry|Add registry/ })).toHaveCount(0);
  }
  await page.close();
});

test("what a worker's own file names is shown as that", async ({ page }) => {
  await signIn(page, "/settings/registries");
  const own = page.getByRole("row").filter({ hasText: site().registry });
  await expect(own).toContainText("In a worker’s file");
  await own.click();
  const shown = page.getByRole("dialog", { name: site().registry });
  await expect(shown).toContainText("is written and changed there");
  await expect(shown.getByRole("button", { name: "Edit" })).toHaveCount(0);
});

test("a registry is removed with its credentials, by whoever confirms it", async ({ page, request }) => {
  await signIn(page, `/settings/registries/${encodeURIComponent(registry.host)}`);
  await panel(page).getByRole("button", { name: "Remove" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
  await expect(panel(page)).toHaveCount(0);
  await expect(row(page)).toHaveCount(0);
  const { items } = (await (await asAdmin(request, "get", "/api/v1/audit")).json()) as { items: { action: string; target: string }[] };
  expect(items.find(({ target }) => target === `registry/${registry.host}`)?.action).toBe("registry.delete");
});
