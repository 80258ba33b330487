// Writes src/api/schema.d.ts from the hub's own OpenAPI document.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import openapiTS, { astToString } from "openapi-typescript";

const root = path.resolve(import.meta.dirname, "../..");
const python = process.env.PYTHON ?? path.join(root, ".venv/bin/python");
const text = execFileSync(python, ["-m", "tidegate.hub", "openapi"], {
  env: { ...process.env, PYTHONPATH: path.join(root, "src") },
  maxBuffer: 32 * 1024 * 1024,
});
// The hub leaves defaults out of what it sends, so a field with a default may be absent.
const types = await openapiTS(JSON.parse(text.toString()), { defaultNonNullable: false });
const note = "// Made by `npm run api` from the hub's OpenAPI document; do not edit.\n\n";
writeFileSync(path.join(import.meta.dirname, "../src/api/schema.d.ts"), note + astToString(types));
