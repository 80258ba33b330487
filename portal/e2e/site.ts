import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { expect, test as base, type APIRequestContext, type Browser, type Page } from "@playwright/test";

const run = promisify(execFile);

/** What `tidegate up --json` prints, and what the setup adds where it started it. */
export interface Site {
  hub: string;
  portal: string;
  registry: string;
  kubeconfig: string;
  adminToken: string;
  dataDir: string;
  /** The process of `tidegate up`. */
  upPid?: number | undefined;
  /** Digest of the image with 10,000 findings. */
  filledImage?: string;
}

export function site(): Site {
  const text = process.env["TIDEGATE_STATE"];
  if (!text) throw new Error("the setup left no TIDEGATE_STATE");
  return JSON.parse(text) as Site;
}

/** What a test needs that only the setup's own installation has. */
export function own<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("this test needs the installation of the setup: run without TIDEGATE_STATE");
  return value;
}

/** What browsers complained of since the last test: scripts that threw, a policy that was broken. */
const complaints: string[] = [];
/** Said by Chromium itself of every answer that is an error; what the page makes of it is tested. */
const OF_ANSWERS = /^Failed to load resource/;

export const test = base.extend<{ quiet: undefined }>({
  quiet: [
    async ({}, use) => {
      complaints.length = 0;
      await use(undefined);
      expect(complaints, "what the browser's console says").toEqual([]);
    },
    { auto: true },
  ],
});

function listen(page: Page) {
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !OF_ANSWERS.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
  });
}

export interface Said {
  code: number;
  text: string;
}

/** Runs kubectl against the site's cluster; what it says on both outputs. */
export async function kubectl(...args: string[]): Promise<Said> {
  const env = { ...process.env, KUBECONFIG: site().kubeconfig };
  try {
    const { stdout, stderr } = await run(process.env["TIDEGATE_KUBECTL"] ?? "kubectl", args, { env });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const failed = error as { code: number; stdout: string; stderr: string };
    return { code: failed.code, text: failed.stdout + failed.stderr };
  }
}

/** Applies an object, or the text of one, to the site's cluster; fails where it is refused. */
export async function applied(body: object | string) {
  const folder = mkdtempSync(path.join(tmpdir(), "tidegate-applied-"));
  try {
    const file = path.join(folder, "object.yaml");
    writeFileSync(file, typeof body === "string" ? body : JSON.stringify(body));
    const said = await kubectl("apply", "-f", file);
    expect(said.code, said.text).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Opens the sign-in page, which stands in the place of `path`. */
export async function openSignIn(page: Page, path = "/") {
  listen(page);
  await page.goto(site().portal + path);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
}

/** Signs in by a token, by default the one that `tidegate up` made, as a person does. */
export async function signIn(page: Page, path = "/", token = site().adminToken) {
  await openSignIn(page, path);
  await page.getByRole("button", { name: "Use an API token instead" }).click();
  await page.getByLabel("API token").fill(token);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
}

export async function giveCredentials(page: Page, username: string, password: string) {
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Makes a user; returns the initial password. */
export async function makeUser(request: APIRequestContext, name: string, role: "admin" | "reader"): Promise<string> {
  const made = await asAdmin(request, "post", "/api/v1/users", { name, role });
  return ((await made.json()) as { password: string }).password;
}

/** Calls the hub's API with the token of `tidegate up`; fails where it is refused. */
export async function asAdmin(request: APIRequestContext, method: "get" | "post" | "put" | "delete", path: string, data?: object) {
  const headers = { Authorization: `Bearer ${site().adminToken}` };
  const answer = await request[method](site().hub + path, { headers, ...(data ? { data } : {}) });
  expect(answer.ok(), await answer.text()).toBe(true);
  return answer;
}

/** Returns a page of its own for who has this role, and what it was signed in with. */
export async function pageOfReader(browser: Browser, request: APIRequestContext, path: string, options: object = {}) {
  const name = `reader-of-tests-${Date.now()}`;
  const made = await asAdmin(request, "post", "/api/v1/tokens", { name, role: "reader" });
  const page = await browser.newPage(options);
  await signIn(page, path, ((await made.json()) as { token: string }).token);
  return page;
}

/** Leaves events of every action, whichever tests ran before. */
export async function prepare() {
  const run = (name: string, tag: string) =>
    kubectl("run", name, `--image=${site().registry}/demo/app:${tag}`, "--restart=Never");
  await Promise.all([run("gate-audited", "critical"), run("web-clean", "clean"), run("web-audited", "high")]);
}
