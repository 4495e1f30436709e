/** What the REST API answers. The stream's events are in `stream/events.ts`. */

export type Value = boolean | number | string;

export interface ParameterSchema {
  type: "int" | "float" | "bool" | "str";
  label?: string;
  help?: string;
  unit?: string;
  min?: number | null;
  /** True when `min` itself is refused. */
  exclusive_min?: boolean | null;
  max?: number | null;
  step?: number | null;
  choices?: string[] | null;
  /** Taken only where another parameter of the same instance has one of these values. */
  only_with?: { name: string; values: string[] } | null;
}

/** By parameter name, in the order in which a form shows them. */
export type MethodSchema = Record<string, ParameterSchema>;

export interface Methods {
  methods: string[];
  requires_model: string[];
  defaults: Record<string, Record<string, Value>>;
  schema: Record<string, MethodSchema>;
  help: Record<string, string>;
  /** Reference lines rather than filters; absent from servers that have none. */
  baselines?: string[];
  /** By method, the fields of a run that must have their defaults. */
  refuses?: Record<string, string[]>;
}

export interface MethodInstance {
  id: string;
  name: string;
  label: string;
  params: Record<string, Value>;
}

export type RunRequest = { methods: MethodInstance[] } & Record<string, unknown>;

export type RunStatus = "queued" | "running" | "completed" | "failed" | "cancelled";
export type MethodStatus = RunStatus | "diverged";

/** Scores of one method by their names in the contract; null where no finite value exists. */
export type Metrics = Record<string, number | null>;

/** By bin of the background's standard deviation; null where a bin is empty, or unbounded. */
export interface SpreadSkill {
  /** Upper edges. */
  edges: (number | null)[];
  /** Sites and cycles. */
  counts: number[];
  /** Root mean variance. */
  spread: (number | null)[];
  /** Root mean squared error of the mean. */
  error: (number | null)[];
}

/** What a method's background told over all scored cycles; parts that it cannot have are absent. */
export interface Diagnostics {
  /** How often the truth had 0, 1 … N members below it. */
  rank_histogram?: number[] | null;
  spread_skill?: SpreadSkill | null;
  /** RMSE of forecasts 1, 2 … cycles ahead. */
  lead_rmse?: (number | null)[] | null;
}

export interface MethodResult extends MethodInstance {
  method_id: string;
  status: MethodStatus;
  metrics: Metrics | null;
  diagnostics?: Diagnostics | null;
  runtime_sec: number | null;
  diverged_step: number | null;
}

/** A run as the list has it. */
export interface RunSummary {
  run_id: string;
  status: RunStatus;
  /** Seconds since the epoch. */
  created_at: number;
  finished_at: number | null;
  request: RunRequest;
  /** Steps of each method. */
  step_count: number;
  error: string | null;
  /** What a reader of the numbers should know. */
  warnings: string[];
}

export interface Run extends RunSummary {
  /** By the instance's id. */
  methods: Record<string, MethodResult>;
}

export interface RunPage {
  runs: RunSummary[];
  next_cursor: string | null;
}

export interface FieldError {
  /** A path as in `methods.0.params.r`. */
  field: string;
  message: string;
}

/** RFC 9457, with LEARN-DA's `error`. */
export interface Problem {
  status: number;
  title?: string;
  detail?: string;
  error?: string;
  errors?: FieldError[];
}
