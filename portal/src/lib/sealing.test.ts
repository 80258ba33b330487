import { readFileSync } from "node:fs";
import path from "node:path";

import { CipherSuite, HkdfSha256 } from "@hpke/core";
import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";
import { afterEach, describe, expect, it, vi } from "vitest";

import { fingerprint, sealFor, sealingInfo, sealingProblem, type Connection, type Credentials } from "./sealing";

interface Vectors {
  privateKey: string;
  publicKey: string;
  fingerprint: string;
  credentials: Credentials;
  cases: { name: string; host: string; connection: Connection; info: string }[];
}

/** Workers' tests read the same file: what either side makes, the other one understands. */
const VECTORS = JSON.parse(readFileSync(path.resolve(import.meta.dirname, "../../../tests/golden/sealing/vectors.json"), "utf8")) as Vectors;
const KEY = { worker: "w1", publicKey: VECTORS.publicKey };
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));

afterEach(() => void vi.unstubAllGlobals());

async function unseal(ciphertext: string, info: Uint8Array<ArrayBuffer>): Promise<unknown> {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });
  const recipientKey = await suite.kem.deserializePrivateKey(bytes(VECTORS.privateKey).buffer);
  const sealed = bytes(ciphertext);
  const recipient = await suite.createRecipientContext({ recipientKey, enc: sealed.slice(0, 32).buffer, info: info.buffer });
  return JSON.parse(new TextDecoder().decode(await recipient.open(sealed.slice(32).buffer)));
}

describe.each(VECTORS.cases)("credentials for a connection with $name", ({ host, connection, info }) => {
  it("are bound to what workers make of it", () => {
    expect(Buffer.from(sealingInfo(host, connection)).toString("base64")).toBe(info);
  });

  it("are bound to it alike where defaults are written down", () => {
    const all = { url: "", allowPrivate: false, ca: "", tokenRealms: [], redirectHosts: [], aliases: [], ...connection };
    expect(Buffer.from(sealingInfo(host, all)).toString("base64")).toBe(info);
  });

  it("are opened by the worker's key, with that connection alone", async () => {
    const [sealed] = await sealFor([KEY], host, connection, VECTORS.credentials);
    expect(sealed?.key).toBe(VECTORS.fingerprint);
    expect(await unseal(sealed?.ciphertext ?? "", bytes(info))).toEqual(VECTORS.credentials);
    await expect(unseal(sealed?.ciphertext ?? "", sealingInfo("elsewhere.example", connection))).rejects.toThrow();
  });
});

it("are sealed once for workers that share a key", async () => {
  expect(await sealFor([KEY, { ...KEY, worker: "w2" }], "r.example", {}, VECTORS.credentials)).toHaveLength(1);
});

it.each([
  ["no PEM", "no key"],
  ["another kind of key", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAj0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=\n-----END PUBLIC KEY-----\n"],
  ["a key that is cut", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAj0DFrbaP\n-----END PUBLIC KEY-----\n"],
])("are sealed for nobody where a worker has %s", async (_, publicKey) => {
  await expect(sealFor([KEY, { worker: "odd", publicKey }], "r.example", {}, VECTORS.credentials)).rejects.toThrow("worker odd");
  await expect(fingerprint({ worker: "odd", publicKey })).rejects.toThrow("worker odd");
});

it("are not sealed on a page that came over plain HTTP", async () => {
  vi.stubGlobal("crypto", {});
  expect(sealingProblem()).toContain("https");
  await expect(sealFor([KEY], "r.example", {}, VECTORS.credentials)).rejects.toThrow("https");
});
