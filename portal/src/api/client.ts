import createClient, { type Middleware } from "openapi-fetch";

import { capitalize } from "../lib/format";
import { noteAnswer } from "./reach";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** What the hub refused, in its own words; `field` names the field that was wrong. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
    readonly field: string,
    /** What a page can do something about by itself; else `about:blank`. */
    readonly type = "about:blank",
  ) {
    super(capitalize(detail)); // the hub's sentences also stand within others, after a colon
    this.name = "ApiError";
  }

  /** Whether nothing is known of what the hub would say: it did not answer. */
  get isAway(): boolean {
    return this.status === 0;
  }
}

const NO_ANSWER = new ApiError(0, "No answer", "The hub does not answer. Is it running?", "");

/** The type of a refusal that another proof of who is there overcomes. */
export const REAUTHENTICATION_NEEDED = "urn:tidegate:problem:reauthentication-needed";

let csrfToken = "";

/** Keeps the token that every write must send back; comes with the session. */
export function setCsrfToken(token: string) {
  csrfToken = token;
}

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("X-Tidegate-CSRF", csrfToken);
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
    noteAnswer(true);
    return response;
  },
  onError() {
    noteAnswer(false);
    return NO_ANSWER;
  },
};

export const client = createClient<paths>({ baseUrl: location.origin });
client.use(guard);

/** Returns the body of an answer that the middleware let pass. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

/** What a proxy says in the place of a hub that it cannot reach. */
const GATEWAY_STATUSES: readonly number[] = [502, 503, 504];

async function problemOf(response: Response): Promise<ApiError> {
  const ofHub = response.headers.get("Content-Type")?.startsWith("application/problem+json") ?? false;
  const answered = ofHub || !GATEWAY_STATUSES.includes(response.status);
  noteAnswer(answered);
  if (!answered) return NO_ANSWER;
  const problem: unknown = await response.json().catch(() => null);
  const read = (name: string) => {
    const value = problem && typeof problem === "object" ? (problem as Record<string, unknown>)[name] : "";
    return typeof value === "string" ? value : "";
  };
  return new ApiError(
    response.status,
    read("title") || response.statusText,
    read("detail") || `The hub answered ${response.status}.`,
    read("field"),
    read("type") || "about:blank",
  );
}

interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Sends a request whose path is made at run time; the caller names what comes back. */
export async function request<T>(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  options: RequestOptions = {},
): Promise<T> {
  const headers = new Headers(options.headers);
  if (method !== "GET") headers.set("X-Tidegate-CSRF", csrfToken);
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  let response: Response;
  try {
    response = await fetch(path + renderQuery(options.query), {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
    });
  } catch {
    noteAnswer(false);
    throw NO_ANSWER;
  }
  if (!response.ok) throw await problemOf(response);
  noteAnswer(true);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export function renderQuery(query: RequestOptions["query"]): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length ? `?${search}` : "";
}

/** Asks whether the hub is there and well; what comes of it is noted as for every request. */
export const knock = (): Promise<boolean> =>
  request("GET", "/api/v1/auth").then(
    () => true,
    () => false,
  );
