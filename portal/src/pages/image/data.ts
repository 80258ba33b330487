import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { body, client, type Schemas } from "../../api/client";
import { PAGE_LIMIT, usePages } from "../../api/pages";

export type ImageDetail = Schemas["ImageDetailV1"];
export type Platform = Schemas["ImagePlatformV1"];
export type Finding = Schemas["FindingDetailV1"];
export type Report = Schemas["ImageReportV1"];
export type Package = Schemas["PackageV1"];
export type Referrer = Schemas["ReferrerV1"];
export type ScanRecord = Schemas["ScanRecordV1"];
export type Job = Schemas["JobRecordV1"];

export interface Subject {
  registry: string;
  repository: string;
  digest: string;
}

const BUSY_MS = 2_000;
const IDLE_MS = 30_000;
const JOB_MS = 1_000;

const keyOf = ({ registry, repository, digest }: Subject) => ["image", registry, repository, digest] as const;

export const isBusy = (status: ImageDetail["status"]): boolean => status === "queued" || status === "scanning";

export function useImage(subject: Subject) {
  return useQuery({
    queryKey: [...keyOf(subject), "detail"],
    queryFn: () => body(client.GET("/api/v1/images/lookup", { params: { query: subject } })),
    refetchInterval: ({ state }) => (state.data && isBusy(state.data.status) ? BUSY_MS : IDLE_MS),
  });
}

/** All findings of one platform: the table sorts and groups them as a whole. */
export const useFindings = (subject: Subject, platform: string) =>
  usePages<Finding>({
    key: [...keyOf(subject), "findings", platform],
    load: (cursor) =>
      body(client.GET("/api/v1/images/findings", { params: { query: { ...subject, platform, limit: PAGE_LIMIT, cursor } } })),
    whole: true,
  });

export const usePackages = (subject: Subject, platform: string) =>
  usePages<Package>({
    key: [...keyOf(subject), "packages", platform],
    load: (cursor) =>
      body(client.GET("/api/v1/images/packages", { params: { query: { ...subject, platform, limit: PAGE_LIMIT, cursor } } })),
    whole: true,
  });

/** What the newest report of one platform rests on. */
export function useReport(subject: Subject, platform: string) {
  return useQuery({
    queryKey: [...keyOf(subject), "report", platform],
    queryFn: () => body(client.GET("/api/v1/images/report", { params: { query: { ...subject, platform } } })),
  });
}

/** The statement as it was signed, as text. */
export function useStatement(subject: Subject, platform: string) {
  return useQuery({
    queryKey: [...keyOf(subject), "statement", platform],
    queryFn: async () => {
      const answer = client.GET("/api/v1/images/statement", { params: { query: { ...subject, platform } }, parseAs: "text" });
      return String(await body<unknown>(answer));
    },
  });
}

/** Asks for a scan and follows it until it is done or has failed. */
export function useScan(subject: Subject, onEnd: (job: Job) => void) {
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: (tags: string[]) =>
      body(client.POST("/api/v1/images/scan", { body: { ...subject, tags, attach: true } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keyOf(subject) }),
  });
  const id = start.data?.id ?? "";
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: async () => {
      const found = await body(client.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } } }));
      if (isEnded(found)) {
        onEnd(found);
        await queries.invalidateQueries({ queryKey: keyOf(subject) });
        start.reset();
      }
      return found;
    },
    enabled: id !== "",
    refetchInterval: JOB_MS,
  });
  return { ask: start.mutate, job: id ? (job.data ?? start.data) : undefined, asking: start.isPending, error: start.error };
}

const isEnded = (job: Job): boolean => job.state === "done" || job.state === "failed";
