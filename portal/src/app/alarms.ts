import { useQuery } from "@tanstack/react-query";

import { body, client } from "../api/client";

const REFRESH_MS = 10_000;

export function useAlarms() {
  return useQuery({
    queryKey: ["clusters", "alarms"],
    queryFn: () => body(client.GET("/api/v1/alarms")),
    refetchInterval: REFRESH_MS,
  });
}
