/**
 * What a tab knows of a run: the summary from the REST API, with the stream's events folded in.
 *
 * `fold` is pure but for one thing: the columns of the series, which may be long, grow in place and
 * are shared by the states before and after. Each event counts once, whatever comes twice.
 */

import type {
  Diagnostics,
  MethodResult,
  MethodStatus,
  Metrics,
  Run,
  RunRequest,
  RunStatus,
  Value,
} from "../api/types";
import {
  BANDS,
  isTerminal,
  SERIES,
  type BandName,
  type MethodCompleted,
  type Partial,
  type RunEvent,
  type SeriesName,
  type Terminal,
} from "../stream/events";

/** One entry per received step, in the order of the steps. */
export interface Columns extends Record<SeriesName | BandName, (number | null)[]> {
  step: number[];
  t: number[];
}

export interface MethodState {
  id: string;
  name: string;
  label: string;
  params: Record<string, Value>;
  status: MethodStatus;
  columns: Columns;
  metrics: Metrics | null;
  diagnostics: Diagnostics | null;
  /** Seconds. */
  runtime: number | null;
  divergedStep: number | null;
}

/** A program that the run waits for. */
export interface Compiling {
  program: string;
  /** As estimated; null where nothing alike was compiled before. */
  seconds: number | null;
}

export interface RunState {
  id: string;
  status: RunStatus;
  /** Seconds since the epoch. */
  createdAt: number;
  request: RunRequest;
  /** That each method makes. */
  steps: number;
  error: string | null;
  /** What a reader of the numbers should know. */
  warnings: readonly string[];
  /** Each program once; empty while the run is computed, and after its end. */
  compiling: readonly Compiling[];
  methods: MethodState[];
  /** The last step of which states can be read, by method; "" for the truth. */
  statesUntil: Readonly<Record<string, number>>;
  /** When its first step was told, and its newest; seconds since the epoch, null before. */
  firstStep: number | null;
  newestStep: number | null;
  /** Its end has been told: no event comes any more. */
  ended: boolean;
  /** The last event folded in; 0 before the first. */
  lastEvent: number;
}

/** A run before its first event is folded in. What is known of its end is kept. */
export function fromSummary(summary: Run): RunState {
  return {
    id: summary.run_id,
    status: summary.status,
    createdAt: summary.created_at,
    request: summary.request,
    steps: summary.step_count,
    error: summary.error,
    warnings: summary.warnings,
    compiling: [],
    methods: summary.request.methods.map((instance) => {
      const known: MethodResult | undefined = summary.methods[instance.id];
      return {
        id: instance.id,
        name: instance.name,
        label: known?.label ?? instance.label,
        params: known?.params ?? instance.params,
        status: known?.status ?? "queued",
        columns: emptyColumns(),
        metrics: known?.metrics ?? null,
        diagnostics: known?.diagnostics ?? null,
        runtime: known?.runtime_sec ?? null,
        divergedStep: known?.diverged_step ?? null,
      };
    }),
    statesUntil: {},
    firstStep: null,
    newestStep: null,
    ended: false,
    lastEvent: 0,
  };
}

export function fold(state: RunState, events: readonly RunEvent[]): RunState {
  const next: RunState = { ...state, methods: [...state.methods] };
  const owned = new Map<string, MethodState>();
  /** The method of an event, copied once a fold. */
  const method = (id: string): MethodState | undefined => {
    const index = next.methods.findIndex((candidate) => candidate.id === id);
    const found = owned.get(id) ?? next.methods[index];
    if (found === undefined || owned.has(id)) return found;
    const copy = { ...found };
    owned.set(id, copy);
    next.methods[index] = copy;
    return copy;
  };
  for (const event of events) {
    if (event.run_id !== state.id || event._event_id <= next.lastEvent) continue;
    next.lastEvent = event._event_id;
    apply(next, method, event);
  }
  return next;
}

function apply(
  run: RunState,
  method: (id: string) => MethodState | undefined,
  event: RunEvent,
): void {
  switch (event.type) {
    case "run_created":
      run.request = event.request;
      break;
    case "run_started":
      if (run.status === "queued") run.status = "running";
      break;
    case "compiling": {
      const { program, estimated_seconds: seconds } = event;
      const others = run.compiling.filter((other) => other.program !== program);
      run.compiling = [...others, { program, seconds }];
      break;
    }
    case "method_started": {
      run.compiling = []; // methods begin when all is compiled
      const started = method(event.method_id);
      if (started === undefined) break;
      if (started.status === "queued") started.status = "running";
      started.params = event.params;
      break;
    }
    case "partial": {
      run.compiling = []; // a run that is taken over goes on without another start
      run.firstStep ??= event.ts;
      run.newestStep = event.ts;
      const columns = method(event.method_id)?.columns;
      if (columns !== undefined) append(columns, event);
      break;
    }
    case "states":
      run.statesUntil = { ...run.statesUntil, [event.method_id ?? ""]: event.last_step };
      break;
    case "method_completed": {
      const completed = method(event.method_id);
      if (completed !== undefined) complete(completed, event);
      break;
    }
    default:
      if (isTerminal(event)) end(run, event, method); // else of a newer server: it only counts
  }
}

function append(columns: Columns, event: Partial): void {
  columns.step.push(event.step);
  columns.t.push(event.t);
  for (const name of SERIES) columns[name].push(event[name] ?? null);
  for (const name of BANDS) columns[name].push(event[name] ?? null);
}

function complete(method: MethodState, event: MethodCompleted): void {
  const lost = (event.metrics.diverged_replicates ?? 0) > 0;
  method.status = event.status ?? (lost ? "diverged" : "completed");
  method.metrics = event.metrics;
  method.diagnostics = event.diagnostics ?? method.diagnostics;
  method.runtime = event.runtime_sec;
  method.divergedStep = event.diverged_step ?? null;
}

function end(
  run: RunState,
  event: Terminal,
  method: (id: string) => MethodState | undefined,
): void {
  run.status = END[event.type];
  run.ended = true;
  run.compiling = [];
  if (event.type === "run_failed") run.error = event.error;
  else run.warnings = event.warnings ?? [];
  if (run.status === "completed") return;
  for (const { id, status } of [...run.methods]) {
    const unfinished = isActive(status) ? method(id) : undefined;
    if (unfinished !== undefined) unfinished.status = run.status;
  }
}

const END = {
  run_completed: "completed",
  run_failed: "failed",
  run_cancelled: "cancelled",
} as const satisfies Record<string, RunStatus>;

export function emptyColumns(): Columns {
  const columns = { step: [], t: [] } as unknown as Columns;
  for (const name of [...SERIES, ...BANDS]) columns[name] = [];
  return columns;
}

export const isActive = (status: MethodStatus): boolean =>
  status === "queued" || status === "running";

/** Model time of the step after which the method lost the truth; null if it did not. */
export function lostAt({ divergedStep, columns }: MethodState): number | null {
  if (divergedStep === null) return null;
  const row = columns.step.findIndex((step) => step >= divergedStep);
  return columns.t[row] ?? null;
}

/** The part of the method's steps that have arrived, 0..1. */
export function progress(method: MethodState, steps: number): number {
  if (!isActive(method.status)) return 1;
  const last = method.columns.step.at(-1);
  return last === undefined ? 0 : Math.min(1, (last + 1) / steps);
}
