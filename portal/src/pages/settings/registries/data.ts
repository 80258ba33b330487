import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { body, client, type Schemas } from "../../../api/client";
import { failureOf } from "../../../api/query";
import { sealFor, type Credentials, type SealingKey } from "../../../lib/sealing";
import { useRegistries } from "../../registries/data";
import { rowsOf, type Configured } from "./words";

export type Worker = Schemas["WorkerV1"];
type Write = Schemas["RegistryWriteV1"];

const REFRESH_MS = 15_000;
const TESTING_MS = 1_500;
const WORKERS = ["workers"];

/** Registries that are configured in the hub, and those that workers' own files name. */
export function useConfigured() {
  const registries = useRegistries();
  const workers = useWorkers();
  const error = registries.error ?? failureOf(workers);
  const queries = useQueryClient();
  const testing = registries.items.some(({ configured }) => configured?.testing);
  useEffect(() => {
    if (!testing) return undefined;
    const timer = window.setInterval(() => void queries.invalidateQueries({ queryKey: ["registries"], exact: true }), TESTING_MS);
    return () => window.clearInterval(timer);
  }, [testing, queries]);
  const refetch = () => {
    registries.refetch();
    void workers.refetch();
  };
  const isPending = registries.isPending || workers.isPending;
  return { rows: rowsOf(registries.items, workers.data ?? []), workers: workers.data ?? [], isPending, error, refetch };
}

function useWorkers() {
  return useQuery({
    queryKey: WORKERS,
    queryFn: async () => (await body(client.GET("/api/v1/workers"))).items,
    refetchInterval: REFRESH_MS,
  });
}

const at = (host: string) => ({ params: { path: { host } } });

/** A registry as it is configured now; while it is tested, as soon as that is over. */
export function useRegistry(host: string, listed: Configured | undefined) {
  const queries = useQueryClient();
  return useQuery({
    queryKey: ["registries", "configured", host],
    queryFn: async () => {
      const found = await body(client.GET("/api/v1/registries/configured/{host}", at(host)));
      if (found.testing !== listed?.testing) void queries.invalidateQueries({ queryKey: ["registries"], exact: true });
      return found;
    },
    enabled: listed !== undefined,
    placeholderData: listed,
    refetchInterval: ({ state }) => ((state.data ?? listed)?.testing ? TESTING_MS : REFRESH_MS),
  });
}

/** The keys of the workers that were heard of in the last five minutes. */
export function useSealingKeys(enabled: boolean) {
  return useQuery({ queryKey: ["sealing-keys"], queryFn: loadKeys, enabled, refetchInterval: REFRESH_MS });
}

const loadKeys = async (): Promise<SealingKey[]> => (await body(client.GET("/api/v1/sealing-keys"))).items;

interface Saved {
  host: string;
  write: Omit<Write, "sealed">;
  /** undefined: as they are; null: none from now on. */
  credentials: Credentials | null | undefined;
}

function useChange<T, R>(mutationFn: (input: T) => Promise<R>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => queries.invalidateQueries({ queryKey: ["registries"] }) });
}

/** Configures a registry: whatever is secret leaves this browser sealed. */
export const useSaveRegistry = () =>
  useChange(async ({ host, write, credentials }: Saved) => {
    const sealed = credentials && (await sealedFor(host, write, credentials));
    const answer = client.PUT("/api/v1/registries/configured/{host}", {
      ...at(host),
      body: { ...write, sealed: credentials === null ? [] : (sealed ?? null) },
    });
    return body(answer);
  });

async function sealedFor(host: string, { connection }: Omit<Write, "sealed">, credentials: Credentials) {
  const keys = await loadKeys();
  if (keys.length === 0) {
    throw new Error("No scan worker was heard of in the last five minutes, so there is no key to seal the credentials by. Start one and try again.");
  }
  return sealFor(keys, host, connection ?? {}, credentials);
}

export const useTestRegistry = () => useChange((host: string) => body(client.POST("/api/v1/registries/configured/{host}/test", at(host))));

export function useRemoveRegistry() {
  const queries = useQueryClient();
  return useChange(async (host: string) => {
    await body(client.DELETE("/api/v1/registries/configured/{host}", at(host)));
    // Workers say so themselves within seconds; until then it would seem to be named by files of theirs.
    await queries.cancelQueries({ queryKey: WORKERS });
    queries.setQueryData(WORKERS, (workers: Worker[] | undefined) =>
      workers?.map((worker) => ({ ...worker, registries: worker.registries.filter((each) => each !== host) })),
    );
  });
}
