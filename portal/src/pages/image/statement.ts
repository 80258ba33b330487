/** What people want to know of an in-toto statement before they read it whole. */
export interface StatementFacts {
  subject: string;
  predicateType: string;
  scanner: string;
  database: string;
  databaseUpdated: string;
  startedAt: string;
  finishedAt: string;
  results: number | null;
}

type Json = Record<string, unknown>;

/** Most characters that are put on the page; the rest is there to download. */
export const MAX_SHOWN_CHARS = 300_000;

/** Reads the facts out of a statement; a field of another shape than expected is empty. */
export function readFacts(text: string): StatementFacts | null {
  const statement = parse(text);
  if (!statement) return null;
  const predicate = part(statement, "predicate");
  const scanner = part(predicate, "scanner");
  const database = part(scanner, "db");
  const metadata = part(predicate, "metadata");
  const subjects: unknown = statement["subject"];
  const first = object(Array.isArray(subjects) ? subjects[0] : undefined);
  const digests = Object.entries(part(first, "digest")).map(([name, hex]) => `${name}:${String(hex)}`);
  const results: unknown = scanner["result"];
  return {
    subject: digests[0] ?? "",
    predicateType: word(statement, "predicateType"),
    scanner: `${word(scanner, "name")} ${word(scanner, "version")}`.trim(),
    database: word(database, "version"),
    databaseUpdated: word(database, "lastUpdate"),
    startedAt: word(metadata, "scanStartedOn"),
    finishedAt: word(metadata, "scanFinishedOn"),
    results: Array.isArray(results) ? results.length : null,
  };
}

/** Returns JSON with two spaces of indentation, and anything else as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function parse(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? (value as Json) : null;
  } catch {
    return null;
  }
}

const object = (value: unknown): Json => (value && typeof value === "object" ? (value as Json) : {});
const part = (from: Json, name: string): Json => object(from[name]);
const word = (from: Json, name: string): string => (typeof from[name] === "string" ? from[name] : "");
