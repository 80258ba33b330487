/** What is known of a registry that is configured, in words. */

import type { Schemas } from "../../../api/client";
import type { Tone } from "../../../components";

export type Configured = Schemas["RegistryRecordV1"];
type Registry = Schemas["RegistryV1"];
type Worker = Schemas["WorkerV1"];

/** A registry that some worker may contact. */
export interface Row {
  host: string;
  /** Undefined: a worker's own file names it, and the hub knows no more. */
  record: Configured | undefined;
  /** Present workers that contact it. */
  workers: readonly Worker[];
  access: Registry["access"] | undefined;
}

export interface Said {
  tone: Tone;
  text: string;
  title?: string;
}

/** Returns the registries by host: configured in the hub, or named by a present worker. */
export function rowsOf(registries: readonly Registry[], workers: readonly Worker[]): Row[] {
  const present = workers.filter((worker) => worker.present);
  const known = new Map(registries.map((registry) => [registry.host, registry]));
  const hosts = new Set([
    ...registries.filter(({ configured }) => configured).map(({ host }) => host),
    ...present.flatMap((worker) => worker.registries),
  ]);
  return [...hosts].sort().map((host) => ({
    host,
    record: known.get(host)?.configured ?? undefined,
    workers: present.filter((worker) => worker.registries.includes(host)),
    access: known.get(host)?.access,
  }));
}

/** Returns what the last test said. */
export function testWords(record: Configured, workers: readonly Worker[]): Said {
  if (record.testing) {
    return workers.length
      ? { tone: "info", text: "Being tested" }
      : { tone: "warning", text: "Waits for a worker", title: "No scan worker that was heard of lately may contact it: it is tested once one does" };
  }
  if (!record.test) return { tone: "neutral", text: "Not tested" };
  if (!record.test.reachable) return { tone: "bad", text: "Does not work", title: record.test.error ?? "" };
  if (record.test.push === "no") return { tone: "warning", text: "Cannot be written", title: "Findings cannot be attached to its images" };
  return { tone: "good", text: "Works" };
}

/** Returns how new images there are noticed. */
export function pollWords({ polling, poll }: Configured): Said {
  if (!polling.enabled) return { tone: "neutral", text: "When told", title: "Nobody looks there for new images: it tells of pushes, or somebody asks for a scan" };
  if (poll?.failures) return { tone: "bad", text: "Looking fails", title: poll.error ?? "" };
  if (poll?.worker) return { tone: "info", text: "Being looked through" };
  return { tone: "good", text: `Every ${durationWords(polling.intervalS ?? DEFAULT_INTERVAL_S)}` };
}

export const DEFAULT_INTERVAL_S = 300;

/** Returns `5 minutes`, in the largest unit that divides it. */
export function durationWords(seconds: number): string {
  const [count, unit] = splitDuration(seconds);
  return count === 1 ? unit : `${count} ${unit}s`;
}

export const UNITS_S = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const;
export type Unit = keyof typeof UNITS_S;

export function splitDuration(seconds: number): [count: number, unit: Unit] {
  const units = Object.keys(UNITS_S).reverse() as Unit[];
  const unit = units.find((each) => seconds % UNITS_S[each] === 0) ?? "second";
  return [seconds / UNITS_S[unit], unit];
}

/** Returns whose credentials it has, and whether those who are there can use them. */
export function credentialWords(record: Configured, workers: readonly Worker[]): Said {
  const keys = record.credentialsFor;
  if (keys.length === 0) return { tone: "neutral", text: "None" };
  const present = workers.filter((worker) => worker.present && worker.sealingFingerprint);
  const able = present.filter((worker) => canOpen(record, worker));
  if (present.length === 0) return { tone: "neutral", text: "Sealed", title: "No scan worker was heard of lately" };
  if (able.length === present.length) return { tone: "good", text: "Sealed" };
  return {
    tone: able.length ? "warning" : "bad",
    text: `${able.length} of ${present.length} workers`,
    title: "The others' keys came later: enter the credentials again",
  };
}

export const canOpen = (record: Configured, worker: Worker): boolean =>
  record.credentialsFor.length === 0 || record.credentialsFor.includes(worker.sealingFingerprint ?? "");
