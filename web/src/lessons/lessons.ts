/**
 * Guided experiments. An instance's id says which part it has in which lesson (`inflate-without`):
 * it goes with the request, so that a run that was changed, reloaded or shared still has its lesson.
 * What a lesson says is in the dictionary under `lesson.<name>`.
 */

import type { RunRequest, Value } from "../api/types";

export const LESSON_NAMES = [
  "chaos",
  "inflate",
  "localise",
  "members",
  "stochastic",
  "gaussian",
] as const;

export type LessonName = (typeof LESSON_NAMES)[number];

export interface Part {
  name: string;
  method: string;
  params: Record<string, Value>;
}

export interface Lesson {
  fields: Record<string, Value>;
  parts: readonly Part[];
}

const COMMON: Record<string, Value> = {
  m: 40,
  std_obs: 1,
  obs_freq: 0.05,
  inf_fact: 1,
  initial: "perturbed-truth",
  end_time: 50,
  burn_in: 10,
  seed: 1,
};

const ETKF = { inf_fact: 1.02, rotate: true };

export const LESSONS: Record<LessonName, Lesson> = {
  chaos: {
    fields: { ...COMMON, ensemble_size: 28, initial_std: 0.001, end_time: 20 },
    parts: [
      { name: "free", method: "free-run", params: {} },
      { name: "filter", method: "etkf", params: ETKF },
      { name: "climatology", method: "climatology", params: {} },
    ],
  },
  inflate: {
    fields: { ...COMMON, ensemble_size: 24 },
    parts: [
      { name: "without", method: "enkf", params: { inf_fact: 1 } },
      { name: "with", method: "enkf", params: { inf_fact: 1.1 } },
    ],
  },
  localise: {
    fields: { ...COMMON, ensemble_size: 10, inf_fact: 1.04 },
    parts: [
      { name: "global", method: "etkf", params: {} },
      { name: "local", method: "letkf", params: { r: 4, taper: "gaspari-cohn" } },
    ],
  },
  members: {
    fields: { ...COMMON, ensemble_size: 10 },
    parts: [{ name: "filter", method: "etkf", params: ETKF }],
  },
  stochastic: {
    fields: { ...COMMON, ensemble_size: 28 },
    parts: [
      { name: "drawn", method: "enkf", params: { inf_fact: 1.08 } },
      { name: "exact", method: "etkf", params: ETKF },
    ],
  },
  gaussian: {
    fields: {
      ...COMMON,
      ensemble_size: 400,
      lorenz96_n: 5,
      m: 5,
      obs_operator: "absolute",
      obs_freq: 1,
      end_time: 200,
    },
    parts: [
      { name: "kalman", method: "etkf", params: { inf_fact: 1.02 } },
      { name: "particles", method: "pf", params: {} },
    ],
  },
};

export const idOf = (lesson: LessonName, part: string): string => `${lesson}-${part}`;

export function requestOfLesson(name: LessonName): RunRequest {
  const { fields, parts } = LESSONS[name];
  const methods = parts.map(({ name: part, method, params }) => ({
    id: idOf(name, part),
    name: method,
    label: "",
    params,
  }));
  return { ...fields, methods };
}

/** The lesson that instances with these ids have all parts of. */
export function lessonOf(ids: readonly string[]): LessonName | null {
  const whole = (name: LessonName) =>
    LESSONS[name].parts.every((part) => ids.includes(idOf(name, part.name)));
  return LESSON_NAMES.find(whole) ?? null;
}
