import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { body, client, type Schemas } from "../../api/client";
import { PAGE_LIMIT, usePages } from "../../api/pages";

export type Settings = Schemas["SettingsV1"];
export type User = Schemas["UserV1"];
export type Token = Schemas["TokenV1"];
export type EvidenceKey = Schemas["EvidenceKeyV1"];
export type AdvisorySource = Schemas["AdvisorySourceV1"];

const REFRESH_MS = 30_000;

export function useSettings() {
  return useQuery({ queryKey: ["settings"], queryFn: () => body(client.GET("/api/v1/settings")) });
}

/** Some of the settings, with the proof that switching gating off takes. */
export type Changes = Partial<Schemas["SettingsWriteV1"]>;

/** Changes some of the settings: the others stay as they are on the hub, not as they were on this page. */
export function useChangeSettings() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (changes: Changes) => {
      const current = await body(client.GET("/api/v1/settings"));
      return body(client.PUT("/api/v1/settings", { body: { ...current, ...changes } }));
    },
    onSuccess: (settings) => queries.setQueryData(["settings"], settings),
    onSettled: () => queries.invalidateQueries({ queryKey: ["registries"] }),
  });
}

export const useUsers = () =>
  usePages<User>({
    key: ["users"],
    load: (cursor) => body(client.GET("/api/v1/users", { params: { query: { limit: PAGE_LIMIT, cursor } } })),
    whole: true,
  });

export const useTokens = () =>
  usePages<Token>({
    key: ["tokens"],
    load: (cursor) => body(client.GET("/api/v1/tokens", { params: { query: { limit: PAGE_LIMIT, cursor } } })),
    whole: true,
  });

export const useKeys = () =>
  usePages<EvidenceKey>({ key: ["keys"], load: () => body(client.GET("/api/v1/keys")), refetchInterval: REFRESH_MS });

export const useAdvisories = () =>
  usePages<AdvisorySource>({ key: ["advisories"], load: () => body(client.GET("/api/v1/advisories")), refetchInterval: REFRESH_MS });

function useChange<T, R>(key: string, mutationFn: (input: T) => Promise<R>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => queries.invalidateQueries({ queryKey: [key] }) });
}

const named = (name: string) => ({ params: { path: { name } } });

export const useCreateUser = () =>
  useChange("users", (write: Schemas["UserCreateV1"]) => body(client.POST("/api/v1/users", { body: write })));

export const useChangeUser = () =>
  useChange("users", ({ name, write }: { name: string; write: Schemas["UserWriteV1"] }) =>
    body(client.PUT("/api/v1/users/{name}", { ...named(name), body: write })),
  );

export const useResetUser = () =>
  useChange("users", (name: string) => body(client.POST("/api/v1/users/{name}/reset", named(name))));

export const useDeleteUser = () => useChange("users", (name: string) => client.DELETE("/api/v1/users/{name}", named(name)));

export const useCreateToken = () =>
  useChange("tokens", (write: Schemas["TokenCreateV1"]) => body(client.POST("/api/v1/tokens", { body: write })));

export const useRevokeToken = () =>
  useChange("tokens", (id: string) => client.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id: id } } }));
