import { body, client, type Schemas } from "../../api/client";
import { PAGE_LIMIT, usePages } from "../../api/pages";

export type Registry = Schemas["RegistryV1"];
export type Repository = Schemas["RepositoryV1"];
export type Image = Schemas["ImageV1"];

const REFRESH_MS = 15_000;

export const useRegistries = () =>
  usePages<Registry>({
    key: ["registries"],
    load: (cursor) => body(client.GET("/api/v1/registries", { params: { query: { limit: PAGE_LIMIT, cursor } } })),
    whole: true,
    refetchInterval: REFRESH_MS,
  });

export const useRepositories = (registry: string, search: string) =>
  usePages<Repository>({
    key: ["repositories", registry, search],
    load: (cursor) =>
      body(client.GET("/api/v1/repositories", { params: { query: { registry, search, limit: PAGE_LIMIT, cursor } } })),
    whole: true,
    refetchInterval: REFRESH_MS,
  });

export const useImages = (registry: string, repository: string, search: string) =>
  usePages<Image>({
    key: ["images", registry, repository, search],
    load: (cursor) =>
      body(
        client.GET("/api/v1/images", {
          params: { query: { registry, repository, search, limit: PAGE_LIMIT, cursor } },
        }),
      ),
    whole: true,
    refetchInterval: REFRESH_MS,
  });
