/**
 * The page's names for what the REST API answers. Fields are declared in `schema.ts`, which is
 * generated from the API's document. The stream's events are in `stream/events.ts`.
 */

import type { components, paths } from "./schema";

type Schemas = components["schemas"];

/** As the document has it, but for the fields of `Exact`. */
type Narrowed<T, Exact> = Omit<T, keyof Exact> & Exact;

export type Methods = Schemas["MethodListing"];
export type ParameterSchema = Schemas["ParameterSchema"];

/** By parameter name, in the order in which a form shows them. */
export type MethodSchema = Methods["schema"][string];

export type MethodResult = Schemas["MethodResult"];
export type MethodStatus = MethodResult["status"];
export type Metrics = Schemas["Metrics"];
export type MetricName = keyof Metrics;
export type Diagnostics = Schemas["Diagnostics"];
export type SpreadSkill = Schemas["SpreadSkill"];
export type Value = MethodResult["params"][string];

type Sent = paths["/api/runs"]["post"]["requestBody"]["content"]["application/json"];
type SentInstance = Sent["methods"][number];

/** The document leaves the parameters open, as each method declares its own. */
export type MethodInstance = Narrowed<Required<SentInstance>, Pick<MethodResult, "params">>;

/**
 * Resolved, as runs have it. The document leaves requests in answers open, as runs by earlier
 * versions may have other fields; the page reads the fields by the names in its own form.
 */
export type RunRequest = { methods: MethodInstance[] } & Record<string, unknown>;

interface Asked {
  request: RunRequest;
}

/** As it was sent: an instance may have neither label nor parameters. */
export type SweptRequest = { methods: SentInstance[] } & Record<string, unknown>;

/** A run as the list has it. */
export type RunSummary = Narrowed<Schemas["RunSummary"], Asked>;
export type RunStatus = RunSummary["status"];
export type Run = Narrowed<Schemas["Run"], Asked>;
export type RunPage = Narrowed<Schemas["RunPage"], { runs: RunSummary[] }>;
export type RunStanding = Schemas["RunStanding"];

/** What people say of a run or a sweep: one that has any of these is kept for good. */
export type Words = Pick<RunSummary, "name" | "note" | "shared">;

/** What computed a run. */
export type Server = Schemas["Server"];

/** Who the page is signed in as. */
export type Session = Schemas["Session"];

export type Sweep = Narrowed<Schemas["Sweep"], { request: SweptRequest }>;
export type SweepAxis = Schemas["SweepAxis"];
export type SweepCell = Schemas["SweepCell"];
export type CellSeries = Schemas["CellSeries"];

/** A sweep as the list has it. */
export type SweepSummary = Narrowed<Schemas["SweepSummary"], { request: SweptRequest }>;
export type SweepPage = Narrowed<Schemas["SweepPage"], { sweeps: SweepSummary[] }>;
export type SweepStanding = Schemas["SweepStanding"];

/** A cell that is asked for by itself has its request, as a run would be sent it. */
export type SweepCellAlone = Narrowed<SweepCell, Asked>;

export type Estimate = Schemas["Estimate"];

export type FieldError = Schemas["FieldProblem"];

/** What a refusal says; what stands between may answer without anything but the status. */
export type Problem = Partial<Schemas["Problem"]> & Pick<Schemas["Problem"], "status">;
