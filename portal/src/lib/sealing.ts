/** Registry credentials, sealed in the browser for the keys of scan workers: the hub cannot read them. */

import type { Schemas } from "../api/client";

export type Connection = Schemas["ConnectionV1"];
export type Sealed = Schemas["SealedV1"];
export type SealingKey = Schemas["SealingKeyV1"];

/** What is sealed; empty fields are left out. */
export interface Credentials {
  username: string;
  password: string;
  /** PEM chain, and the key to it without a passphrase. */
  clientCertificate: string;
  clientKey: string;
}

/** SubjectPublicKeyInfo of X25519 (RFC 8410, section 4): this, then the 32 bytes of the key. */
const X25519_HEAD = "302a300506032b656e032100";
const KEY_BYTES = 32;

const text = new TextEncoder();

/** Why this browser cannot seal; empty where it can. */
export function sealingProblem(): string {
  // Typed as always there; a page that came over plain HTTP has none.
  return (globalThis.crypto as Crypto | undefined)?.subtle
    ? ""
    : "This page came over plain HTTP, where browsers allow no cryptography. Open the portal by https, or use `tidegate registry add`.";
}

/** Returns `credentials` sealed once for each key, bound to the connection that they are for. */
export async function sealFor(keys: readonly SealingKey[], host: string, connection: Connection, credentials: Credentials): Promise<Sealed[]> {
  const problem = sealingProblem();
  if (problem) throw new Error(problem);
  const info = sealingInfo(host, connection);
  const plain = text.encode(JSON.stringify(present(credentials)));
  const byKey = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const key of keys) {
    const raw = rawKey(key);
    byKey.set(await fingerprintOf(raw), raw);
  }
  const seal = await suite();
  return Promise.all([...byKey].map(async ([key, raw]) => ({ key, ciphertext: base64(await seal(raw, info, plain)) })));
}

/** Returns what credentials for `host` are bound to, byte for byte as workers make it. */
export function sealingInfo(host: string, connection: Connection): Uint8Array<ArrayBuffer> {
  const fields = Object.entries(present(connection)).sort(([one], [other]) => (one < other ? -1 : 1));
  return text.encode(`tidegate registry credentials 1\n${host}\n${JSON.stringify(Object.fromEntries(fields))}`);
}

/** Returns the SHA-256 of a worker's key, in hexadecimal. */
export async function fingerprint(key: SealingKey): Promise<string> {
  return fingerprintOf(rawKey(key));
}

async function fingerprintOf(raw: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", raw)));
}

/** HPKE in base mode (RFC 9180), loaded when it is first needed. */
async function suite() {
  const [{ CipherSuite, HkdfSha256 }, { DhkemX25519HkdfSha256 }, { Chacha20Poly1305 }] = await Promise.all([
    import("@hpke/core"),
    import("@hpke/dhkem-x25519"),
    import("@hpke/chacha20poly1305"),
  ]);
  const hpke = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });
  return async (raw: Uint8Array<ArrayBuffer>, info: Uint8Array<ArrayBuffer>, plain: Uint8Array<ArrayBuffer>): Promise<Uint8Array> => {
    const recipientPublicKey = await hpke.kem.deserializePublicKey(raw.buffer);
    const sender = await hpke.createSenderContext({ recipientPublicKey, info: info.buffer });
    const ciphertext = await sender.seal(plain.buffer);
    return new Uint8Array([...new Uint8Array(sender.enc), ...new Uint8Array(ciphertext)]);
  };
}

function rawKey({ worker, publicKey }: SealingKey): Uint8Array<ArrayBuffer> {
  const inner = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(publicKey)?.[1];
  const bytes = inner ? Uint8Array.from(atob(inner.replace(/\s/g, "")), (each) => each.charCodeAt(0)) : new Uint8Array();
  const head = X25519_HEAD.length / 2;
  if (bytes.length !== head + KEY_BYTES || hex(bytes.subarray(0, head)) !== X25519_HEAD) {
    throw new Error(`The sealing key of worker ${worker} is no X25519 key; nothing was sealed. Is it a worker of yours?`);
  }
  return bytes.slice(head);
}

/** Returns the fields that are not at their defaults: neither side writes those down. */
function present(fields: object): Record<string, unknown> {
  const said = (value: unknown) => (Array.isArray(value) ? value.length > 0 : Boolean(value));
  return Object.fromEntries(Object.entries(fields as Record<string, unknown>).filter(([, value]) => said(value)));
}

const hex = (bytes: Uint8Array): string => [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const each of bytes) binary += String.fromCharCode(each);
  return btoa(binary);
}
