/** The events of a run's stream, as the contract gives them. */

import type { Diagnostics, MethodStatus, Metrics, RunRequest, Value } from "../api/types";

interface Numbered {
  run_id: string;
  /** Seconds since the epoch. */
  ts: number;
  /** 1, 2, 3 ... within the run. */
  _event_id: number;
}

interface OfMethod extends Numbered {
  method_id: string;
  name: string;
  label: string;
}

export interface RunCreated extends Numbered {
  type: "run_created";
  request: RunRequest;
}

export interface RunStarted extends Numbered {
  type: "run_started";
}

export interface Compiling extends Numbered {
  type: "compiling";
  /** A method's name, or a part that all methods share. */
  program: string;
  /** null where nothing alike was compiled before. */
  estimated_seconds: number | null;
}

export interface MethodStarted extends OfMethod {
  type: "method_started";
  params: Record<string, Value>;
}

/** The diagnostics of one step that a chart can show; null where no replicate is finite. */
export const SERIES = [
  "error_a",
  "error_b",
  "rmse_analysis",
  "rmse_background",
  "spread_analysis",
  "spread_background",
] as const;

export type SeriesName = (typeof SERIES)[number];

export interface Partial extends OfMethod, Record<SeriesName, number | null> {
  type: "partial";
  step: number;
  t: number;
}

export interface MethodCompleted extends OfMethod {
  type: "method_completed";
  metrics: Metrics;
  diagnostics?: Diagnostics | null;
  runtime_sec: number | null;
  status?: MethodStatus;
  diverged_step?: number | null;
}

export interface RunEnded extends Numbered {
  type: "run_completed" | "run_cancelled";
  /** What a reader of the numbers should know. */
  warnings?: string[];
}

export interface RunFailed extends Numbered {
  type: "run_failed";
  error: string;
}

export type RunEvent =
  | RunCreated
  | RunStarted
  | Compiling
  | MethodStarted
  | Partial
  | MethodCompleted
  | RunEnded
  | RunFailed;

/** The last event of a run. */
export type Terminal = RunEnded | RunFailed;

const TERMINAL: ReadonlySet<string> = new Set(["run_completed", "run_failed", "run_cancelled"]);

/** True when nothing of the run follows this event. */
export const isTerminal = (event: RunEvent): event is Terminal => TERMINAL.has(event.type);

/** The run that a `done` says does not exist, or null. */
export function parseUnknownRun(data: string): string | null {
  const { run_id, error } = JSON.parse(data) as { run_id?: string; error?: string };
  return error === undefined ? null : (run_id ?? null);
}

/** The event in a stream's `data:`, or null for hello, keepalive, done and what is not understood. */
export function parseEvent(data: string): RunEvent | null {
  const value: unknown = JSON.parse(data);
  if (typeof value !== "object" || value === null) return null;
  const event = value as RunEvent;
  return typeof event._event_id === "number" && typeof event.run_id === "string" ? event : null;
}
