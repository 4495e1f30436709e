/** What an address says of runs and sweeps, by their ids, for when the server no longer knows them. */

import type { MethodInstance, RunRequest, SweepAxis } from "../api/types";
import { MOST_CELLS } from "../sweep/axes";
import { isView, type View } from "../run/view";

export interface AboutRun {
  request: RunRequest;
  view?: View;
}

export interface AboutSweep {
  /** Of one method. */
  request: RunRequest;
  axes: readonly SweepAxis[];
}

export type About = Record<string, AboutRun | AboutSweep>;

/** What is said of this run; undefined where nothing is. */
export function runTold(about: About, id: string): AboutRun | undefined {
  const told = about[id];
  return told === undefined || "axes" in told ? undefined : told;
}

/** What is said of this sweep; undefined where nothing is. */
export function sweepTold(about: About, id: string): AboutSweep | undefined {
  const told = about[id];
  return told !== undefined && "axes" in told ? told : undefined;
}

/** True for what this page wrote; an address may come from anybody. */
export function isAbout(value: unknown): value is About {
  if (!isRecord(value)) return false;
  return Object.values(value).every((told) =>
    isRecord(told) && "axes" in told ? isAboutSweep(told) : isAboutRun(told),
  );
}

function isAboutRun(value: unknown): value is AboutRun {
  if (!isRecord(value) || !isRequest(value["request"])) return false;
  return value["view"] === undefined || isView(value["view"]);
}

function isAboutSweep({ request, axes }: Record<string, unknown>): boolean {
  if (!isRequest(request) || request.methods.length !== 1) return false;
  if (!Array.isArray(axes) || axes.length < 1 || axes.length > 2 || !axes.every(isAxis)) return false;
  return axes.reduce((count: number, { values }) => count * values.length, 1) <= MOST_CELLS;
}

function isAxis(value: unknown): value is SweepAxis {
  if (!isRecord(value) || typeof value["field"] !== "string") return false;
  const { values } = value;
  if (!Array.isArray(values) || values.length === 0) return false;
  return values.every((each) => ["number", "string", "boolean"].includes(typeof each));
}

function isRequest(value: unknown): value is RunRequest {
  if (!isRecord(value) || !Array.isArray(value["methods"])) return false;
  const methods: unknown[] = value["methods"];
  if (!methods.every(isInstance)) return false;
  return new Set(methods.map(({ id }) => id)).size === methods.length;
}

function isInstance(value: unknown): value is MethodInstance {
  if (!isRecord(value) || !isRecord(value["params"])) return false;
  return [value["id"], value["name"], value["label"]].every((text) => typeof text === "string");
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
