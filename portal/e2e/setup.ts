import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";

const READY_MS = 120_000;

/** Starts `tidegate up` with a cluster and the demo images, unless a running one is named. */
export default async function setup() {
  if (process.env["TIDEGATE_STATE"]) return undefined;
  const root = path.resolve(import.meta.dirname, "../..");
  const folder = mkdtempSync(path.join(tmpdir(), "tidegate-browser-"));
  const python = process.env["PYTHON"] ?? path.join(root, ".venv/bin/python");
  const up = spawn(
    python,
    ["-m", "tidegate.cli", "up", "--cluster", "local", "--demo", "--json", "--data-dir", path.join(folder, "data")],
    {
      env: { ...process.env, PYTHONPATH: path.join(root, "src"), XDG_STATE_HOME: folder },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const ended = new Promise<void>((resolve) => up.once("exit", () => resolve()));
  const stop = async () => {
    up.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const first = new Promise<string>((resolve, reject) => {
    readline.createInterface({ input: up.stdout }).once("line", resolve);
    up.once("exit", (code) => reject(new Error(`tidegate up ended with code ${code} before it was ready`)));
    setTimeout(() => reject(new Error("tidegate up was not ready in time")), READY_MS).unref();
  });
  try {
    process.env["TIDEGATE_STATE"] = await first;
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
