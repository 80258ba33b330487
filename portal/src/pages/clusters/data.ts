import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { body, client, type Schemas } from "../../api/client";
import { PAGE_LIMIT, usePages } from "../../api/pages";

export type Cluster = Schemas["ClusterV1"];
export type Provider = Cluster["provider"];
export type Enrol = Schemas["ClusterEnrolV1"];

/** A one-time token for a cluster's agent; it is shown this once. */
export type Enrolment = Schemas["EnrolmentV1"];

const KEY = ["clusters", "list"] as const;
const REFRESH_MS = 5_000;

export const useClusterList = () =>
  usePages<Cluster>({
    key: KEY,
    load: (cursor) => body(client.GET("/api/v1/clusters", { params: { query: { limit: PAGE_LIMIT, cursor } } })),
    whole: true,
    refetchInterval: REFRESH_MS,
  });

/** One cluster whole: lists leave out the pods that run without a verdict. */
export const useCluster = (name: string) =>
  useQuery({
    queryKey: ["clusters", "one", name],
    queryFn: () => body(client.GET("/api/v1/clusters/{name}", { params: { path: { name } } })),
    refetchInterval: REFRESH_MS,
  });

function useChange<T, R>(mutationFn: (input: T) => Promise<R>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => queries.invalidateQueries({ queryKey: ["clusters"] }) });
}

export const useEnrol = () => useChange((write: Enrol) => body(client.POST("/api/v1/clusters/enrolments", { body: write })));

export const useDeleteCluster = () =>
  useChange((name: string) => client.DELETE("/api/v1/clusters/{name}", { params: { path: { name } } }));

/** Takes the hub's alarms about a cluster for looked into; what its agent says of itself stays. */
export const useAcknowledge = () =>
  useChange((name: string) => client.DELETE("/api/v1/clusters/{name}/alarms", { params: { path: { name } } }));

export interface GatingChange {
  name: string;
  gating: "On" | "Off";
  /** Proves anew who is there; only to switch off. */
  password: string;
}

export const useGating = () =>
  useChange(({ name, gating, password }: GatingChange) =>
    body(client.PUT("/api/v1/clusters/{name}/gating", { params: { path: { name } }, body: { gating, password } })),
  );
