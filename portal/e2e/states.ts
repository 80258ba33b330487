/** States of a cluster's protection as its agent tells the hub, by the hub's own API. */
import { site } from "./site";

type Heartbeat = Record<string, unknown>;

async function ask(method: string, path: string, token: string, body?: object): Promise<Response> {
  const answer = await fetch(`${site().hub}/api/v1${path}`, {
    method,
    // Rules want to know which version is meant: whatever is there.
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", "If-Match": "*" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

/** A cluster that exists for the hub alone, and what its agent says. */
export class ToldCluster {
  private token = "";

  constructor(readonly name: string) {}

  /** Enrols it; what was there of this name is forgotten first. */
  async enrol(): Promise<this> {
    await this.forget();
    const made = await ask("POST", "/clusters", site().adminToken, { name: this.name, provider: "aws", account: "1234", labels: { tier: "prod" } });
    this.token = ((await made.json()) as { token: string }).token;
    return this;
  }

  async tell(protection: object, more: Heartbeat = {}) {
    const { alarms = [] } = protection as { alarms?: { message: string }[] };
    const { wantedGeneration } = (await (await ask("GET", `/clusters/${this.name}`, this.token)).json()) as { wantedGeneration: string };
    const whole = {
      agentVersion: "0.1.0",
      policyGeneration: wantedGeneration,
      problems: alarms.map(({ message }) => message),
      feedAt: ago(0.3),
      protection: { ...WELL, ...protection },
      ...more,
    };
    await ask("POST", `/clusters/${this.name}/heartbeat`, this.token, whole);
  }

  async forget() {
    const answer = await fetch(`${site().hub}/api/v1/clusters/${this.name}`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${site().adminToken}` },
    });
    if (!answer.ok && answer.status !== 404) throw new Error(`${this.name} could not be forgotten: ${answer.status}`);
  }
}

const WELL = { webhook: "as wanted", canary: "passing", canaryPassedAt: ago(0.5), detection: "on", breakGlass: [], reAdmission: "Audit" };

/** Returns the instant so many minutes ago, as agents write it. */
export function ago(minutes: number): string {
  return `${new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19)}Z`;
}

const alarm = (kind: string, message: string) => ({ alarms: [{ kind, message, since: ago(4) }] });

const DIGEST = `sha256:${"4f53cda18c2baa0c".repeat(4)}`;

/** What an agent tells, by name; the words are the agent's. */
export const TOLD = {
  webhookMissing: () => ({
    webhook: "missing",
    ...alarm(
      "WebhookMissing",
      "The webhook configuration 'tidegate' was deleted: nothing is gated in this cluster; install it again (the agent does not)",
    ),
  }),
  webhookDrifted: () => ({
    webhook: "not as wanted",
    ...alarm(
      "WebhookNotAsWanted",
      "The webhook configuration 'tidegate' is not as it was chosen and could not be put back: gate.tidegate.io: failurePolicy, objectSelector",
    ),
  }),
  canaryAdmitted: () => ({
    canary: "failing",
    canaryPassedAt: ago(4),
    ...alarm(
      "CanaryAdmitted",
      "The API server admits what the gate must refuse: it does not ask the gate, or lets in what the gate does not answer; see the webhook configuration and the gate",
    ),
  }),
  failedOpen: () => ({
    unjudged: { "failed-open": 2, "excluded-namespace": 11, "static-pod": 4 },
    unjudgedPods: ["web-6c9d8f7b5-x2k4j", "web-6c9d8f7b5-q8z7m"].map((name) => ({
      namespace: "shop",
      name,
      why: "failed-open",
      createdAt: ago(6),
      images: ["registry.example.com/shop/web:2.4.1"],
    })),
    failedOpen: 2,
    ...alarm("FailedOpen", "Pods run that were admitted without the gate: shop/web-6c9d8f7b5-x2k4j, shop/web-6c9d8f7b5-q8z7m"),
  }),
  breakGlass: () => ({
    breakGlass: [
      {
        name: "incident-4711",
        namespace: "shop",
        digest: DIGEST,
        reason: "checkout is down, the fixed base image comes tonight",
        since: ago(35),
        until: ago(-205),
      },
    ],
    breakGlassCount: 1,
  }),
  enforces: () => ({ reAdmission: "Enforce" }),
};

/** What is to be undone before the next view is opened. */
const undoing: (() => Promise<unknown>)[] = [];

export async function undo() {
  for (const each of undoing.splice(0).reverse()) await each();
}

/** Lets a cluster tell this until the next view is opened; returns an address. */
export function whileTold(what: keyof typeof TOLD, path: string, more: Heartbeat = {}): () => Promise<string> {
  return async () => {
    const cluster = new ToldCluster("frankfurt-1");
    undoing.push(() => cluster.forget());
    await (await cluster.enrol()).tell(TOLD[what](), more);
    return path;
  };
}

export const NEW_DENY = "Deny high in production";

async function dropRule(name: string) {
  const { items } = (await (await ask("GET", "/rules?limit=500", site().adminToken)).json()) as { items: { id: string; rule: { name: string } }[] };
  for (const { id } of items.filter(({ rule }) => rule.name === name)) await ask("DELETE", `/rules/${id}`, site().adminToken);
}

/** Lets a deny rule be new, and a cluster deny own pods, until the next view is opened. */
export function whileDenying(path: string): () => Promise<string> {
  return async () => {
    await dropRule(NEW_DENY); // of a run that was cut short
    const rule = { name: NEW_DENY, action: "deny", configuration: { maxAllowedSeverities: { high: 0 } } };
    const made = await ask("POST", "/rules", site().adminToken, { rule, cloudScope: { labels: ["tier=prod"] } });
    await made.body?.cancel();
    undoing.push(() => dropRule(NEW_DENY));
    return whileTold("enforces", path)();
  };
}
