/** What a finished run of a lesson showed, from its own numbers: pure. */

import type { RunRequest } from "../api/types";
import { number, share } from "../run/format";
import { isActive, type MethodState, type RunState } from "../run/state";
import { idOf, LESSONS, type LessonName } from "./lessons";

export interface Seen {
  /** What the lesson promised did happen. */
  asSaid: boolean;
  /** What the sentence is filled with. */
  values: Record<string, string | number>;
}

/** How one part of a lesson fared. */
interface Outcome {
  rmse: number;
  spread: number;
  lost: boolean;
  inflation: number;
  radius: number;
}

/** By the names of the lesson's parts, all of which have scores. */
type Judge = (parts: Record<string, Outcome>, request: RunRequest) => Seen;

const score = (value: number): string => number(value, 3);
const members = (request: RunRequest): number => Number(request["ensemble_size"]);

const JUDGES: Record<LessonName, Judge> = {
  chaos: ({ free, filter, climatology }) => ({
    asSaid: free!.rmse > 0.8 * climatology!.rmse && filter!.rmse < 0.5 * free!.rmse,
    values: {
      free: score(free!.rmse),
      filter: score(filter!.rmse),
      climatology: score(climatology!.rmse),
    },
  }),
  inflate: ({ without, with: inflated }) => ({
    asSaid: without!.lost && !inflated!.lost,
    values: {
      low: without!.inflation,
      high: inflated!.inflation,
      without: score(without!.rmse),
      with: score(inflated!.rmse),
    },
  }),
  localise: ({ global, local }, request) => ({
    asSaid: global!.lost && !local!.lost,
    values: {
      members: members(request),
      r: local!.radius,
      global: score(global!.rmse),
      local: score(local!.rmse),
    },
  }),
  members: ({ filter }, request) => ({
    asSaid: filter!.rmse > 2 * filter!.spread,
    values: {
      members: members(request),
      rmse: score(filter!.rmse),
      spread: score(filter!.spread),
      ratio: number(filter!.rmse / filter!.spread, 2),
    },
  }),
  stochastic: ({ drawn, exact }) => ({
    asSaid: !drawn!.lost && !exact!.lost && exact!.rmse < 0.95 * drawn!.rmse,
    values: {
      drawn: score(drawn!.rmse),
      exact: score(exact!.rmse),
      change: share(drawn!.rmse / exact!.rmse - 1),
    },
  }),
  gaussian: ({ kalman, particles }) => ({
    asSaid: particles!.rmse < 0.8 * kalman!.rmse,
    values: { kalman: score(kalman!.rmse), particles: score(particles!.rmse) },
  }),
};

/** null before the run's end, and where a part of the lesson has no scores. */
export function seen(lesson: LessonName, run: RunState): Seen | null {
  if (isActive(run.status)) return null;
  const parts: Record<string, Outcome> = {};
  for (const { name } of LESSONS[lesson].parts) {
    const method = run.methods.find(({ id }) => id === idOf(lesson, name));
    const rmse = method?.metrics?.rmse_analysis;
    if (method === undefined || rmse === undefined || rmse === null) return null;
    parts[name] = { rmse, ...settingsOf(method, run.request) };
  }
  return JUDGES[lesson](parts, run.request);
}

const settingsOf = ({ metrics, params, status }: MethodState, request: RunRequest) => ({
  spread: metrics?.spread_analysis ?? NaN,
  lost: status === "diverged",
  inflation: Number(params["inf_fact"] ?? request["inf_fact"]),
  radius: Number(params["r"]),
});
