import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ApiError, request, setCsrfToken } from "./client";

export interface SessionUser {
  name: string;
  displayName?: string;
  role: "admin" | "reader";
  mustChangePassword?: boolean;
}

export interface Session {
  user: SessionUser;
  csrfToken: string;
}

export interface SignInWays {
  local: boolean;
  oidc?: { name: string } | null;
}

export type Credentials = { username: string; password: string } | { token: string };

const KEY = ["session"] as const;

/** The session, null when nobody is signed in. */
export function useSession() {
  return useQuery({
    queryKey: KEY,
    queryFn: async (): Promise<Session | null> => {
      try {
        return keep(await request<Session>("GET", "/api/v1/session"));
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: Infinity,
  });
}

/** Who is signed in; pages below the shell exist only with a session. */
export function useUser(): SessionUser {
  const { data } = useSession();
  if (!data) throw new Error("a page was shown without a session");
  return data.user;
}

/** Whether the one signed in may change things. */
export const useMayWrite = () => useUser().role === "admin";

export function useSignInWays() {
  return useQuery({
    queryKey: ["auth"],
    queryFn: () => request<SignInWays>("GET", "/api/v1/auth"),
    staleTime: 60_000,
  });
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (credentials: Credentials) =>
      keep(await request<Session>("POST", "/api/v1/session", { body: credentials })),
    onSuccess: (session) => queries.setQueryData(KEY, session),
  });
}

/** Ends the session and loads the portal anew: whoever is next finds nothing of it in memory. */
export const useSignOut = () =>
  useMutation({
    mutationFn: () => request<undefined>("DELETE", "/api/v1/session"),
    onSuccess: () => location.assign("/"),
  });

export function useChangePassword() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: { current: string; new: string }) =>
      request<Session | undefined>("POST", "/api/v1/session/password", { body: change }),
    onSuccess: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

function keep(session: Session): Session {
  setCsrfToken(session.csrfToken);
  return session;
}
