/** What a sweep varies: the settings that can be chosen, and ranges as lists of values. */

import type { Methods } from "../api/types";
import type { Draft, DraftInstance } from "../experiment/draft";
import { applies, FIELDS, type FieldName } from "../experiment/fields";

/** A setting of the experiment, or a parameter of the method. */
export interface Setting {
  /** As the server names it: `ensemble_size`, `methods.0.params.inf_fact`. */
  field: string;
  kind: "int" | "float";
  /** A field of the experiment, whose label is in the dictionary; or the parameter's own label. */
  name: FieldName | null;
  label: string;
  /** What it is now; empty where that is not known. */
  now: string;
}

export interface Range {
  from: string;
  to: string;
  count: string;
}

/** Cells of one sweep at most, as the server has it. */
export const MOST_CELLS = 2500;

/** The numbers that can be varied: first those of the method, which are computed as one batch. */
export function settings(draft: Draft, methods: Methods, instance: DraftInstance): Setting[] {
  const schema = methods.schema[instance.name] ?? {};
  const found: Setting[] = [];
  for (const [name, { type, label }] of Object.entries(schema)) {
    if (type !== "int" && type !== "float") continue;
    const now = instance.params[name];
    const inherited = name === "inf_fact" ? draft.fields.inf_fact : "";
    found.push({
      field: `methods.0.params.${name}`,
      kind: type,
      name: null,
      label: label ?? name,
      now: typeof now === "string" && now !== "" ? now : inherited,
    });
  }
  for (const field of FIELDS) {
    if ((field.kind !== "int" && field.kind !== "float") || !applies(field, draft.fields)) continue;
    if (field.name === "inf_fact") continue; // a method that takes it has it among its own
    const { name, kind } = field;
    found.push({ field: name, kind, name, label: name, now: draft.fields[name] });
  }
  return found;
}

/** Another value in one of these is another truth, or another set of them. */
const OF_THE_TRUTH: readonly string[] = [
  "seed",
  "replicates",
  "lorenz96_n",
  "lorenz96_F",
  "truth_noise",
  "dt",
  "obs_freq", // where dt is left to the server
];

/** True where all cells of a sweep over these have one truth. */
export const sameTruth = (axes: readonly { field: string }[]): boolean =>
  !axes.some(({ field }) => OF_THE_TRUTH.includes(field));

/** Evenly spaced values with both ends, whole ones for integers; null for what is no range. */
export function valuesOf({ from, to, count }: Range, kind: Setting["kind"]): number[] | null {
  const [low, high, many] = [from, to, count].map((text) => (text.trim() === "" ? NaN : Number(text)));
  if (![low, high, many].every(Number.isFinite) || !Number.isInteger(many) || many! < 1) return null;
  if (many! > MOST_CELLS) return null;
  if (many === 1) return [low!];
  const values = Array.from({ length: many! }, (_, k) => {
    const value = low! + (k * (high! - low!)) / (many! - 1);
    return kind === "int" ? Math.round(value) : Number(value.toPrecision(10));
  });
  return [...new Set(values)];
}

/** A range around what a setting is now. */
export function startRange({ kind, now }: Setting): Range {
  const value = Number(now) || 1;
  if (kind === "int") {
    return { from: String(Math.max(2, Math.round(value / 2))), to: String(2 * value), count: "4" };
  }
  const near = value >= 0.9 && value < 1.5; // a factor, such as inflation
  const [from, to] = near ? [1, 1.2] : [value / 2, 2 * value];
  return { from: String(from), to: String(to), count: "5" };
}
