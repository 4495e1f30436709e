/** What the requests of several runs have not in common, and whether their scores may be compared. */

import type { MethodInstance, RunRequest } from "../api/types";
import { FIELDS } from "../experiment/fields";

/** Another value in one of these is another truth, or other observations of it. */
const SHARED: readonly string[] = [
  "model",
  "seed",
  "replicates",
  "lorenz96_n",
  "lorenz96_F",
  "dt",
  "truth_noise",
  "m",
  "obs_network",
  "obs_sites",
  "obs_freq",
  "end_time",
  "std_obs",
  "std_obs_sites",
  "obs_operator",
  "obs_error",
  "obs_error_dof",
  "obs_error_correlation",
  "precision",
];

/** The scores are means over the cycles from here on. */
const SCORED: readonly string[] = ["burn_in"];

export interface Difference {
  /** A field, or what differs about an instance. */
  name: string;
  /** The instance of a method; absent for a field of the run. */
  instance?: { name: string; label: string };
  /** One for each run; null where a run does not have it. */
  values: readonly (string | null)[];
}

export interface Comparison {
  differences: readonly Difference[];
  /** Fields in which truth or observations differ: these runs are different experiments. */
  apart: readonly string[];
  /** True where the same cycles are scored. */
  sameCycles: boolean;
}

export function compare(requests: readonly RunRequest[]): Comparison {
  const fields = fieldDifferences(requests);
  const names = fields.map(({ name }) => name);
  return {
    differences: [...fields, ...methodDifferences(requests)],
    apart: names.filter((name) => SHARED.includes(name)),
    sameCycles: !names.some((name) => SCORED.includes(name)),
  };
}

function fieldDifferences(requests: readonly RunRequest[]): Difference[] {
  const known: readonly string[] = ["model", ...FIELDS.map(({ name }) => name)];
  const others = requests.flatMap(Object.keys).filter((key) => !known.includes(key) && key !== "methods");
  return [...known, ...new Set(others)]
    .filter((name) => requests.some((request) => applies(name, request)))
    .map((name) => ({ name, values: requests.map((request) => text(fieldOf(name, request))) }))
    .filter(({ values }) => differ(values));
}

/** False for what another field's value makes meaningless. */
function applies(name: string, request: RunRequest): boolean {
  const condition = FIELDS.find((field) => field.name === name)?.onlyWith;
  return condition === undefined || condition.values.includes(String(fieldOf(condition.name, request)));
}

/** A run that is older than a field was made as the field's default has it. */
function fieldOf(name: string, request: RunRequest): unknown {
  const value = request[name];
  if (value !== undefined && value !== null) return value;
  const field = FIELDS.find((field) => field.name === name);
  if (field?.replacedBy !== undefined && request[field.replacedBy] !== undefined) return null;
  if (field?.follows !== undefined) return request[field.follows];
  return field === undefined || field.start === "" ? null : field.start;
}

function methodDifferences(requests: readonly RunRequest[]): Difference[] {
  return matched(requests).flatMap((found) => {
    const instances = found.filter((instance) => instance !== null);
    const { name, label } = instances[0]!;
    const instance = { name, label };
    if (instances.length < found.length) {
      return [{ name: "", instance, values: found.map((one) => one && (one.label || one.name)) }];
    }
    const labels = { name: "label", instance, values: instances.map(({ label }) => label) };
    const keys = [...new Set(instances.flatMap(({ params }) => Object.keys(params)))];
    const params = keys.map((key) => ({
      name: `params.${key}`,
      instance,
      values: instances.map(({ params }) => text(params[key])),
    }));
    return [labels, ...params].filter(({ values }) => differ(values));
  });
}

/** The instances that belong together: of one name, with the same id first, then in their order. */
function matched(requests: readonly RunRequest[]): (MethodInstance | null)[][] {
  const rows: (MethodInstance | null)[][] = [];
  requests.forEach(({ methods }, run) => {
    const free = (row: (MethodInstance | null)[], name: string) =>
      row[run] === null && row.some((one) => one?.name === name);
    const place = (instance: MethodInstance, row: (MethodInstance | null)[] | undefined) => {
      const found = row ?? requests.map(() => null);
      if (row === undefined) rows.push(found);
      found[run] = instance;
    };
    const later = methods.filter((instance) => {
      const row = rows.find((row) => free(row, instance.name) && row.some((one) => one?.id === instance.id));
      if (row !== undefined) place(instance, row);
      return row === undefined;
    });
    for (const instance of later) place(instance, rows.find((row) => free(row, instance.name)));
  });
  return rows;
}

const differ = (values: readonly (string | null)[]): boolean => new Set(values).size > 1;

/** 8 and 8.0 are the same, and so are "8" and 8. */
function text(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return Array.isArray(value) ? value.join(", ") : String(value);
}
