/** A registry as the editor holds it, and what is wrong with it, beside the field that is wrong. */

import type { Schemas } from "../../../api/client";
import type { Credentials } from "../../../lib/sealing";
import { DEFAULT_INTERVAL_S, splitDuration, UNITS_S, type Configured, type Unit } from "./words";

/** What becomes of credentials: kept as they are, entered here, or none from now on. */
export type Keeping = "keep" | "enter" | "none";

export interface RegistryForm {
  host: string;
  url: string;
  allowPrivate: boolean;
  ca: string;
  tokenRealms: string[];
  redirectHosts: string[];
  aliases: string[];
  testRepository: string;
  keeping: Keeping;
  credentials: Credentials;
  polling: boolean;
  every: string;
  unit: Unit;
  repositories: string[];
  requestsPerMinute: string;
}

export type Field = keyof RegistryForm | keyof Credentials;
export type Problems = Partial<Record<Field, string>>;
type Write = Omit<Required<Schemas["RegistryWriteV1"]>, "sealed">;

const NO_CREDENTIALS: Credentials = { username: "", password: "", clientCertificate: "", clientKey: "" };
const DEFAULT_REQUESTS = 120;
const MIN_INTERVAL_S = 30;
const MAX_INTERVAL_S = 7 * 86_400;
const MAX_REQUESTS = 60_000;
const MAX_PEM = 256 * 1024;

const HOST = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/;
const URL_FORM = /^https?:\/\/[^/?#@\s]+$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const DOCKER_HUB: readonly string[] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

export function formOf(record: Configured | undefined): RegistryForm {
  const { connection = {}, polling = {} } = record ?? {};
  const [every, unit] = splitDuration(polling.intervalS ?? DEFAULT_INTERVAL_S);
  return {
    host: record?.host ?? "",
    url: connection.url ?? "",
    allowPrivate: connection.allowPrivate ?? false,
    ca: connection.ca ?? "",
    tokenRealms: connection.tokenRealms ?? [],
    redirectHosts: connection.redirectHosts ?? [],
    aliases: connection.aliases ?? [],
    testRepository: record?.testRepository ?? "",
    keeping: record?.credentialsFor.length ? "keep" : "none",
    credentials: NO_CREDENTIALS,
    polling: polling.enabled ?? false,
    every: String(every),
    unit,
    repositories: polling.repositories ?? [],
    requestsPerMinute: String(polling.requestsPerMinute ?? DEFAULT_REQUESTS),
  };
}

/** Returns a host as registries are compared: credentials are sealed for it to the letter. */
export function normalHost(text: string): string {
  const host = text.trim().toLowerCase();
  return DOCKER_HUB.includes(host) ? "docker.io" : host;
}

/** Returns what the hub is to keep, but for the credentials. */
export function writeOf(form: RegistryForm): Write {
  return {
    connection: connectionOf(form),
    polling: {
      enabled: form.polling,
      intervalS: intervalOf(form),
      repositories: form.repositories,
      requestsPerMinute: Number(form.requestsPerMinute),
    },
    testRepository: form.testRepository.trim(),
  };
}

const connectionOf = (form: RegistryForm): Required<Schemas["ConnectionV1"]> => ({
  url: form.url.trim(),
  allowPrivate: form.allowPrivate,
  ca: form.ca,
  tokenRealms: form.tokenRealms,
  redirectHosts: form.redirectHosts,
  aliases: form.aliases,
});

const intervalOf = (form: RegistryForm): number => Number(form.every) * UNITS_S[form.unit];

/** Whether credentials that were entered before still fit: they are bound to the connection. */
export const isSameConnection = (form: RegistryForm, before: RegistryForm): boolean =>
  JSON.stringify(connectionOf(form)) === JSON.stringify(connectionOf(before));

/** Returns the credentials to seal; undefined: as they are, null: none. */
export function credentialsOf(form: RegistryForm): Credentials | null | undefined {
  if (form.keeping === "keep") return undefined;
  return form.keeping === "none" ? null : form.credentials;
}

interface Context {
  /** The form as it was opened. */
  before: RegistryForm;
  /** Hosts of the registries that are configured already. */
  taken: readonly string[];
}

/** Returns what is wrong, by field. */
export function validate(form: RegistryForm, { before, taken }: Context): Problems {
  const found: Problems = {
    host: hostProblem(normalHost(form.host), taken),
    url: form.url.trim() && !URL_FORM.test(form.url.trim()) ? "Want https:// or http://, a host and perhaps a port, nothing after it" : "",
    ca: pemProblem(form.ca, "CERTIFICATE"),
    aliases: first(form.aliases, (alias) => aliasProblem(alias, form.host)),
    tokenRealms: first(form.tokenRealms, (host) => (/[/\s@]/.test(host) ? `${host}: want a host, without https://` : "")),
    redirectHosts: first(form.redirectHosts, (host) => (/[/\s@]/.test(host) ? `${host}: want a host, without https://` : "")),
    testRepository: repositoryProblem(form.testRepository.trim()),
    keeping: form.keeping === "keep" && !isSameConnection(form, before) ? "They are bound to the connection, which you changed: enter them again" : "",
    ...(form.keeping === "enter" ? credentialProblems(form.credentials) : {}),
    ...(form.polling ? pollingProblems(form) : {}),
  };
  return Object.fromEntries(Object.entries(found).filter(([, problem]) => problem));
}

function hostProblem(host: string, taken: readonly string[]): string {
  if (!host) return "A host is required";
  if (!isHost(host)) return "Want a host as image references write it: registry.example.com, or localhost:5000";
  return taken.includes(host) ? "This registry is configured already" : "";
}

/** A name without a dot or a port is no host, but part of a repository's name. */
const isHost = (text: string): boolean => HOST.test(text) && text.length <= 261 && (text === "localhost" || /[.:]/.test(text));

function credentialProblems({ username, password, clientCertificate, clientKey }: Credentials): Problems {
  const certified = Boolean(clientCertificate.trim() || clientKey.trim());
  return {
    username: !username && (password || !certified) ? "A user name is required" : "",
    password: username && !password ? "A password or token is required" : "",
    clientCertificate: pemProblem(clientCertificate, "CERTIFICATE") || (clientKey.trim() && !clientCertificate.trim() ? "The certificate to this key is missing" : ""),
    clientKey: pemProblem(clientKey, "PRIVATE KEY") || (clientCertificate.trim() && !clientKey.trim() ? "The key to this certificate is missing" : ""),
  };
}

function pollingProblems(form: RegistryForm): Problems {
  const seconds = /^[0-9]{1,6}$/.test(form.every) ? intervalOf(form) : NaN;
  const requests = /^[0-9]{1,5}$/.test(form.requestsPerMinute) ? Number(form.requestsPerMinute) : NaN;
  return {
    every: seconds >= MIN_INTERVAL_S && seconds <= MAX_INTERVAL_S ? "" : "From 30 seconds to 7 days",
    requestsPerMinute: requests >= 1 && requests <= MAX_REQUESTS ? "" : "From 1 to 60,000",
    repositories: first(form.repositories, repositoryProblem),
  };
}

function pemProblem(text: string, kind: string): string {
  if (!text.trim()) return "";
  if (text.length > MAX_PEM) return "256 KiB at most";
  if (/ENCRYPTED/.test(text)) return "Want the key without a passphrase";
  return new RegExp(`-----BEGIN [A-Z ]*${kind}-----[^]+-----END [A-Z ]*${kind}-----`).test(text) ? "" : `Want PEM: -----BEGIN ${kind}-----`;
}

function aliasProblem(alias: string, host: string): string {
  const [name = "", ...path] = alias.split("/");
  if (!isHost(name.toLowerCase())) return `${alias}: want HOST or HOST/PATH`;
  if (path.length) return repositoryProblem(path.join("/")) && `${alias}: want HOST or HOST/PATH`;
  return normalHost(name) === normalHost(host) ? `${alias} is its own name` : "";
}

const repositoryProblem = (name: string): string =>
  name && (!REPOSITORY.test(name) || name.length > 255) ? `${name}: want lower-case path components, and no host` : "";

const first = (values: readonly string[], problem: (value: string) => string): string => values.map(problem).find(Boolean) ?? "";

const FIELDS: readonly [RegExp, Field][] = [
  [/^connection\.(url|ca|aliases|tokenRealms|redirectHosts|allowPrivate)/, "url"],
  [/^polling\.repositories/, "repositories"],
  [/^polling\.intervalS/, "every"],
  [/^polling\.requestsPerMinute/, "requestsPerMinute"],
  [/^testRepository/, "testRepository"],
  [/^sealed/, "keeping"],
];

/** Returns the field of the form that a field of the API is: `connection.aliases[2]`. */
export function fieldOf(name: string): Field | undefined {
  const [pattern, field] = FIELDS.find(([each]) => each.test(name)) ?? [];
  const own = pattern?.exec(name)?.[1];
  return (own as Field | undefined) ?? field;
}
