/** Calls of the REST API. Every refusal is thrown as an `ApiError` that carries the problem. */

import type {
  Estimate,
  Methods,
  Problem,
  Run,
  RunPage,
  RunRequest,
  RunStanding,
  Words,
  Session,
  Sweep,
  SweepAxis,
  SweepCellAlone,
  SweepPage,
  SweepStanding,
} from "./types";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.error ?? problem.detail ?? problem.title ?? `HTTP ${problem.status}`);
  }
}

/** The server could not be reached, or answered with something that is not its API. */
export class Unreachable extends Error {}

/** Resolves when the page has been let in; what was refused is then asked again. */
export type AskForToken = () => Promise<void>;

let askForToken: AskForToken | null = null;

/** What to do when the server wants a token; without it a 401 is a refusal like any other. */
export function onTokenNeeded(ask: AskForToken | null): void {
  askForToken = ask;
}

type Read<T> = (response: Response) => Promise<T>;

async function call<T>(path: string, init?: RequestInit, read?: Read<T>): Promise<T> {
  for (;;) {
    try {
      return await callOnce<T>(path, init, read);
    } catch (error) {
      const refused = error instanceof ApiError && error.problem.status === 401;
      if (!refused || askForToken === null) throw error;
      await askForToken();
    }
  }
}

/** The answer, as `read` has it: JSON. */
async function callOnce<T>(path: string, init?: RequestInit, read?: Read<T>): Promise<T> {
  const response = await fetch(path, init).catch(() => {
    throw new Unreachable();
  });
  if (response.ok && read !== undefined) return read(response);
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body as T;
  if (typeof body !== "object" || body === null) {
    if (response.status >= 500) throw new Unreachable();
    throw new ApiError({ status: response.status });
  }
  throw new ApiError({ ...body, status: response.status });
}

const run = (id: string) => `/api/runs/${encodeURIComponent(id)}`;

const json = (value: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});

export const getSession = () => callOnce<Session>("/api/session");

/** Trade a token for a session, which the browser keeps from us. */
export const signIn = (token: string) => callOnce<Session>("/api/session", json({ token }));

export const signOut = () => callOnce<unknown>("/api/session", { method: "DELETE" });

export const getMethods = () => call<Methods>("/api/methods");

export const getRun = (id: string) => call<Run>(run(id));

export const listRuns = (limit: number, search: string, cursor?: string) =>
  call<RunPage>(`/api/runs?${listed(limit, search, cursor)}`);

function listed(limit: number, search: string, cursor?: string): URLSearchParams {
  const query = new URLSearchParams({ limit: String(limit) });
  if (search !== "") query.set("search", search);
  if (cursor !== undefined) query.set("cursor", cursor);
  return query;
}

export const createRun = (request: RunRequest) =>
  call<RunStanding>("/api/runs", json(request));

/**
 * What a run would cost here; null where the request is not in order, which is no error while it is
 * being written. It asks for no token: it may as well not be answered.
 */
export async function estimateRun(request: RunRequest, signal: AbortSignal): Promise<Estimate | null> {
  const { headers, ...asked } = json(request);
  const lenient = { ...headers, prefer: "handling=lenient" };
  return callOnce<Estimate | null>("/api/estimate", { ...asked, headers: lenient, signal });
}

/** What is left out stays as it is. */
export const describeRun = (id: string, words: Words) => call<Run>(run(id), { ...json(words), method: "PATCH" });

export const cancelRun = (id: string) => call<unknown>(`${run(id)}/cancel`, { method: "POST" });

export const deleteRun = (id: string) => call<unknown>(run(id), { method: "DELETE" });

const sweep = (id: string) => `/api/sweeps/${encodeURIComponent(id)}`;

export const createSweep = (request: RunRequest, axes: readonly SweepAxis[]) =>
  call<SweepStanding>("/api/sweeps", json({ request, axes }));

export const listSweeps = (limit: number, search: string, cursor?: string) =>
  call<SweepPage>(`/api/sweeps?${listed(limit, search, cursor)}`);

export const getSweep = (id: string) => call<Sweep>(sweep(id));

export const getCell = (id: string, cell: number) =>
  call<SweepCellAlone>(`${sweep(id)}/cells/${cell}`);

export const describeSweep = (id: string, words: Words) => call<Sweep>(sweep(id), { ...json(words), method: "PATCH" });

export const cancelSweep = (id: string) => call<unknown>(`${sweep(id)}/cancel`, { method: "POST" });

export const deleteSweep = (id: string) => call<unknown>(sweep(id), { method: "DELETE" });

export const sweepCsvUrl = (id: string) => `${sweep(id)}/csv`;

export const sweepNetcdfUrl = (id: string) => `${sweep(id)}/netcdf`;

export const sweepEventsUrl = (id: string) => `${sweep(id)}/events`;

/** States after a step, of a method or (null) of the truth; see `run/states.ts`. */
export function getStates(id: string, method: string | null, since: number): Promise<ArrayBuffer> {
  const query = new URLSearchParams({ since: String(since) });
  if (method !== null) query.set("method", method);
  return call(`${run(id)}/states?${query}`, undefined, (response) => response.arrayBuffer());
}

export const diagnosticsUrl = (id: string) => `${run(id)}/diagnostics.csv`;

export const netcdfUrl = (id: string) => `${run(id)}/netcdf`;
export const runUrl = run;

export const csvUrl = (id: string) => `${run(id)}/csv`;
