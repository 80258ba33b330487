import { execFile } from "node:child_process";
import { promisify } from "node:util";

import type { Page } from "@playwright/test";

const run = promisify(execFile);

/** What `tidegate up --json` prints; the setup passes it on. */
export interface Site {
  hub: string;
  portal: string;
  registry: string;
  kubeconfig: string;
  adminToken: string;
  dataDir: string;
}

export function site(): Site {
  const text = process.env["TIDEGATE_STATE"];
  if (!text) throw new Error("the setup left no TIDEGATE_STATE");
  return JSON.parse(text) as Site;
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

/** Signs in by the token that `tidegate up` made, as a person does. */
export async function signIn(page: Page, path = "/") {
  await page.goto(site().portal + path);
  const withToken = page.getByRole("button", { name: "Use an API token instead" });
  const token = page.getByLabel("API token");
  await withToken.or(token).first().waitFor();
  if (await withToken.isVisible()) await withToken.click();
  await token.fill(site().adminToken);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
}

/** Leaves events of every action, whichever tests ran before. */
export async function prepare() {
  const run = (name: string, tag: string) =>
    kubectl("run", name, `--image=${site().registry}/demo/app:${tag}`, "--restart=Never");
  await Promise.all([run("gate-audited", "critical"), run("web-clean", "clean"), run("web-audited", "high")]);
}
