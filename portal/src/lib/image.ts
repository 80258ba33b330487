/** Returns registry and repository of an image reference, tag and digest left out. */
export function splitImage(reference: string): { registry: string; repository: string } {
  const plain = (reference.split("@")[0] ?? "").replace(/:[^/:]*$/, "");
  const slash = plain.indexOf("/");
  const host = plain.slice(0, slash);
  if (slash > 0 && (/[.:]/.test(host) || host === "localhost")) {
    return { registry: host, repository: plain.slice(slash + 1) };
  }
  return { registry: "docker.io", repository: plain.includes("/") ? plain : `library/${plain}` };
}

/** Returns the address of an image's page. */
export const imagePath = (registry: string, repository: string, digest: string): string =>
  `/registries/${encodeURIComponent(registry)}/${encodeURIComponent(repository)}/${digest}`;
