/** The events of the streams of a run and of a sweep, as the contract gives them. */

import type { Diagnostics, MethodStatus, Metrics, RunRequest, SweepCell, Value } from "../api/types";

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

/** The ends of the bands over replicates: two thirds of them lie within. */
export const BANDS = [
  "rmse_analysis_low",
  "rmse_analysis_high",
  "spread_analysis_low",
  "spread_analysis_high",
] as const;

export type BandName = (typeof BANDS)[number];

type Ends = { [Name in BandName]?: number | null };

/** Of the methods that have them. */
type SomeSeries = "crps_analysis" | "innovation_consistency" | "effective_sample_size";

type Extra = { [Name in SomeSeries]?: number | null };

export interface Partial extends OfMethod, Record<SeriesName, number | null>, Extra, Ends {
  type: "partial";
  step: number;
  t: number;
}

/** States up to `last_step` can be read: of a method, or of the truth (null). */
export interface StatesKept extends Numbered {
  type: "states";
  method_id: string | null;
  /** Of the method. */
  name?: string;
  label?: string;
  last_step: number;
}

export interface MethodCompleted extends OfMethod {
  type: "method_completed";
  metrics: Metrics;
  diagnostics?: Diagnostics;
  runtime_sec: number | null;
  status?: MethodStatus;
  /** Where it diverged. */
  diverged_step?: number;
}

export interface RunEnded extends Numbered {
  type: "run_completed" | "run_cancelled";
  /** Of a completed run. */
  runtime_sec?: number;
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
  | StatesKept
  | MethodCompleted
  | RunEnded
  | RunFailed;

/** The last event of a run. */
export type Terminal = RunEnded | RunFailed;

const TERMINAL: ReadonlySet<string> = new Set(["run_completed", "run_failed", "run_cancelled"]);

/** True when nothing of the run follows this event. */
export const isTerminal = (event: RunEvent): event is Terminal => TERMINAL.has(event.type);

/** Of a sweep's stream: what is new of a cell. */
export interface CellUpdate extends Pick<SweepCell, "cell" | "values" | "status" | "series"> {
  /** When the cell is over. */
  metrics?: Metrics | null;
  diverged_step?: number | null;
}

/** The `data:` of a `cell`. */
export const parseCell = (data: string): CellUpdate => JSON.parse(data) as CellUpdate;

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
