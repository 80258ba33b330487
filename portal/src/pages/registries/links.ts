const part = encodeURIComponent;

export const registryLink = (registry: string): string => `/registries/${part(registry)}`;

export const repositoryLink = (registry: string, repository: string): string =>
  `${registryLink(registry)}/${part(repository)}`;

export const imageLink = (registry: string, repository: string, digest: string): string =>
  `${repositoryLink(registry, repository)}/${digest}`;
