/** Calls of the REST API. Every refusal is thrown as an `ApiError` that carries the problem. */

import type { Methods, Problem, Run, RunPage, RunRequest } from "./types";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.error ?? problem.detail ?? problem.title ?? `HTTP ${problem.status}`);
  }
}

/** The server could not be reached, or answered with something that is not its API. */
export class Unreachable extends Error {}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, init).catch(() => {
    throw new Unreachable();
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body as T;
  if (typeof body !== "object" || body === null) {
    if (response.status >= 500) throw new Unreachable();
    throw new ApiError({ status: response.status });
  }
  throw new ApiError({ ...body, status: response.status });
}

const run = (id: string) => `/api/runs/${encodeURIComponent(id)}`;

export const getMethods = () => call<Methods>("/api/methods");

export const getRun = (id: string) => call<Run>(run(id));

export function listRuns(limit: number, cursor?: string): Promise<RunPage> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (cursor !== undefined) query.set("cursor", cursor);
  return call<RunPage>(`/api/runs?${query}`);
}

export const createRun = (request: RunRequest) =>
  call<{ run_id: string; status: "queued" }>("/api/runs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });

export const cancelRun = (id: string) => call<unknown>(`${run(id)}/cancel`, { method: "POST" });

export const deleteRun = (id: string) => call<unknown>(run(id), { method: "DELETE" });

export const diagnosticsUrl = (id: string) => `${run(id)}/diagnostics.csv`;

export const csvUrl = (id: string) => `${run(id)}/csv`;
