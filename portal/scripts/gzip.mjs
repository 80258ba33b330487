// Compresses what the build wrote, so that the hub only has to send it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

const folder = path.resolve(import.meta.dirname, "../../src/tidegate/hub/portal/static");
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath, entry.name);
  if (!entry.isFile() || !/\.(js|css|svg)$/.test(entry.name)) continue;
  const body = readFileSync(file);
  const packed = gzipSync(body, { level: 9 });
  if (packed.length < body.length * 0.9) writeFileSync(`${file}.gz`, packed);
}
