import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";
import { promisify } from "node:util";

import type { Site } from "./site";

const run = promisify(execFile);

const READY_MS = 120_000;
const FILL_MS = 120_000;
const INSTALL_MS = 300_000;
const ROOT = path.resolve(import.meta.dirname, "../..");
const PYTHON = process.env["PYTHON"] ?? path.join(ROOT, ".venv/bin/python");
const CLIENT_SECRET = "of/the client: +%";

/**
 * Starts what all tests share, unless a running installation is named: a hub with 10,000 events and
 * findings in it, a real OpenID provider, and around them `tidegate up` with a cluster and the demo
 * images.
 */
export default async function setup() {
  if (process.env["TIDEGATE_STATE"]) return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), "tidegate-browser-"));
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children.reverse()) await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const filled = await fill(path.join(folder, "data"));
    // The provider is at another site than the portal, as it is for everybody.
    const portal = `http://localhost:${filled.hub}`;
    const issuer = await startProvider(children, `${portal}/api/v1/session/oidc/callback`);
    const state = await startUp(children, folder, { ...oidcSettings(folder, issuer), PUBLIC_URL: portal });
    const site: Site = { ...state, portal, upPid: children.at(-1)?.pid, filledImage: filled.image };
    process.env["TIDEGATE_STATE"] = JSON.stringify(site);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

interface Filled {
  /** Port of the hub. */
  hub: number;
  /** Digest of the image with many findings. */
  image: string;
}

async function fill(dataDir: string): Promise<Filled> {
  const env = { ...process.env, PYTHONPATH: [path.join(ROOT, "src"), path.join(ROOT, "tests")].join(":") };
  const script = path.join(ROOT, "tests/support/filled_hub.py");
  const { stdout } = await run(PYTHON, [script, dataDir], { env, timeout: FILL_MS });
  return JSON.parse(stdout) as Filled;
}

async function startProvider(children: ChildProcess[], redirectUri: string): Promise<string> {
  const folder = path.join(ROOT, "tests/oidc");
  if (!existsSync(path.join(folder, "node_modules/oidc-provider"))) {
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder, timeout: INSTALL_MS });
  }
  const port = await freePort();
  const provider = spawn(process.execPath, ["provider.mjs", String(port), redirectUri, CLIENT_SECRET], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"], // it warns on every start that it keeps everything in memory
  });
  children.push(provider);
  await firstLine(provider, "the OpenID provider");
  return `http://127.0.0.1:${port}`;
}

function oidcSettings(folder: string, issuer: string): Record<string, string> {
  const secret = path.join(folder, "client-secret");
  writeFileSync(secret, CLIENT_SECRET, { mode: 0o600 });
  return {
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: "tidegate",
    OIDC_CLIENT_SECRET_FILE: secret,
    OIDC_ADMIN_VALUES: "tidegate-admins",
    OIDC_READER_VALUES: "tidegate-readers",
    OIDC_NAME: "Example",
    OIDC_ALLOW_PRIVATE: "true",
  };
}

async function startUp(children: ChildProcess[], folder: string, hub: Record<string, string>): Promise<Site> {
  const settings = Object.fromEntries(Object.entries(hub).map(([name, value]) => [`TIDEGATE_HUB_${name}`, value]));
  const up = spawn(
    PYTHON,
    ["-m", "tidegate.cli", "up", "--cluster", "local", "--demo", "--json", "--data-dir", path.join(folder, "data")],
    {
      env: { ...process.env, ...settings, PYTHONPATH: path.join(ROOT, "src"), XDG_STATE_HOME: folder },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  children.push(up);
  return JSON.parse(await firstLine(up, "tidegate up")) as Site;
}

function firstLine(child: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error(`${name} has no standard output`);
    readline.createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`${name} ended with code ${code} before it was ready`)));
    setTimeout(() => reject(new Error(`${name} was not ready in time`)), READY_MS).unref();
  });
}

async function end(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
