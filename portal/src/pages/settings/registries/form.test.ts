import { describe, expect, it } from "vitest";

import { credentialsOf, fieldOf, formOf, isSameConnection, normalHost, validate, writeOf, type RegistryForm } from "./form";
import type { Configured } from "./words";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const RECORD: Configured = {
  host: "registry.example:5000",
  connection: { url: "http://10.0.0.5:5000", allowPrivate: true, ca: PEM, aliases: ["mirror.example"], tokenRealms: ["auth.example"], redirectHosts: ["s3.example"] },
  polling: { enabled: true, intervalS: 7_200, repositories: ["shop/web"], requestsPerMinute: 60 },
  testRepository: "shop/web",
  credentialsFor: ["f".repeat(64)],
  updatedAt: "2026-11-23T09:00:00Z",
  updatedBy: "ada",
};
const KEPT = formOf(RECORD);
const NEW: RegistryForm = { ...formOf(undefined), host: "registry.example" };

const problemsOf = (changes: Partial<RegistryForm>, before = NEW) => validate({ ...before, ...changes }, { before, taken: ["taken.example"] });
const entered = (changes: Partial<RegistryForm["credentials"]>) => ({ keeping: "enter" as const, credentials: { ...NEW.credentials, ...changes } });

describe("the form of a registry", () => {
  it("gives back what was read, nothing lost", () => {
    expect(writeOf(KEPT)).toEqual({ connection: RECORD.connection, polling: RECORD.polling, testRepository: "shop/web" });
    expect(credentialsOf(KEPT)).toBeUndefined();
  });

  it("takes credentials away, or gives what was entered", () => {
    expect(credentialsOf({ ...KEPT, keeping: "none" })).toBeNull();
    expect(credentialsOf({ ...KEPT, ...entered({ username: "robot" }) })).toMatchObject({ username: "robot" });
  });

  it.each([
    ["Registry.Example:5000 ", "registry.example:5000"],
    ["registry-1.docker.io", "docker.io"],
  ])("knows %s as %s", (typed, host) => {
    expect(normalHost(typed)).toBe(host);
  });

  it("is fine as it was read, and with no more than a host", () => {
    expect(problemsOf({}, KEPT)).toEqual({});
    expect(problemsOf({})).toEqual({});
  });

  it.each<[string, Partial<RegistryForm>, string]>([
    ["no host", { host: " " }, "host"],
    ["a part of a repository's name", { host: "team" }, "host"],
    ["a host with a path", { host: "registry.example/team" }, "host"],
    ["a user in the host", { host: "ann@registry.example" }, "host"],
    ["a registry that is there", { host: "Taken.example" }, "host"],
    ["an address with a path", { url: "https://registry.example/v2" }, "url"],
    ["an address without a scheme", { url: "registry.example" }, "url"],
    ["authorities that are none", { ca: "MIIB" }, "ca"],
    ["its own name as another", { aliases: ["registry.example"] }, "aliases"],
    ["an alias with capitals in its path", { aliases: ["mirror.example/Team"] }, "aliases"],
    ["a token server by its address", { tokenRealms: ["https://auth.example"] }, "tokenRealms"],
    ["a test repository with a host", { testRepository: "registry.example:5000/a" }, "testRepository"],
    ["a password without a user", entered({ password: "x" }), "username"],
    ["a user without a password", entered({ username: "robot" }), "password"],
    ["nothing entered", entered({}), "username"],
    ["a certificate without its key", entered({ clientCertificate: PEM }), "clientKey"],
    ["a key with a passphrase", entered({ clientCertificate: PEM, clientKey: "-----BEGIN ENCRYPTED PRIVATE KEY-----" }), "clientKey"],
    ["looks that never end", { polling: true, every: "1", unit: "second" }, "every"],
    ["looks once in a month", { polling: true, every: "30", unit: "day" }, "every"],
    ["no requests", { polling: true, requestsPerMinute: "0" }, "requestsPerMinute"],
    ["a repository with capitals", { polling: true, repositories: ["Shop"] }, "repositories"],
  ])("says beside the field what is wrong: %s", (_, changes, field) => {
    expect(Object.keys(problemsOf(changes))).toEqual([field]);
  });

  it("does not keep credentials for another connection: workers could not open them", () => {
    expect(isSameConnection({ ...KEPT, testRepository: "other" }, KEPT)).toBe(true);
    expect(Object.keys(problemsOf({ url: "" }, KEPT))).toEqual(["keeping"]);
    expect(problemsOf({ url: "", keeping: "none" }, KEPT)).toEqual({});
  });

  it.each([
    ["connection.aliases[2]", "aliases"],
    ["connection.url", "url"],
    ["polling.repositories[0]", "repositories"],
    ["testRepository", "testRepository"],
    ["sealed", "keeping"],
    ["", undefined],
  ])("has a place for what the hub calls %s", (name, field) => {
    expect(fieldOf(name)).toBe(field);
  });
});
