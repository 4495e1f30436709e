/**
 * The experiment's fields as the form shows them. Labels, units and help are in the dictionary under
 * `field.<name>`. Defaults and ranges are those of the contract; the server is who judges a value.
 */

export const FIELD_NAMES = [
  "ensemble_size",
  "inf_fact",
  "m",
  "std_obs",
  "obs_freq",
  "end_time",
  "lorenz96_n",
  "lorenz96_F",
  "seed",
  "replicates",
  "dt",
  "obs_network",
  "obs_sites",
  "initial",
  "initial_std",
  "burn_in",
  "precision",
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];

export type Kind = "int" | "float" | "sites" | "choice";

export interface Field {
  name: FieldName;
  kind: Kind;
  /** What the form starts with; empty: the server chooses. */
  start: string;
  min?: number;
  max?: number;
  step?: number;
  choices?: readonly string[];
  advanced?: boolean;
}

const MAX_SEED = 2 ** 53 - 1;

export const FIELDS: readonly Field[] = [
  { name: "ensemble_size", kind: "int", start: "20", min: 2, step: 1 },
  { name: "inf_fact", kind: "float", start: "1.04", min: 0, step: 0.01 },
  { name: "m", kind: "int", start: "", min: 1, step: 1 },
  { name: "std_obs", kind: "float", start: "0.01", min: 0, step: 0.01 },
  { name: "obs_freq", kind: "float", start: "0.1", min: 0, step: 0.05 },
  { name: "end_time", kind: "float", start: "10", min: 0, step: 1 },
  { name: "lorenz96_n", kind: "int", start: "40", min: 4, step: 1 },
  { name: "lorenz96_F", kind: "float", start: "8", min: -1000, max: 1000, step: 0.5 },
  { name: "seed", kind: "int", start: "", min: 0, max: MAX_SEED, step: 1 },
  { name: "replicates", kind: "int", start: "1", min: 1, step: 1 },
  { name: "dt", kind: "float", start: "", min: 0, step: 0.01, advanced: true },
  {
    name: "obs_network",
    kind: "choice",
    start: "random",
    choices: ["random", "fixed", "regular"],
    advanced: true,
  },
  { name: "obs_sites", kind: "sites", start: "", advanced: true },
  {
    name: "initial",
    kind: "choice",
    start: "climatology",
    choices: ["climatology", "perturbed-truth"],
    advanced: true,
  },
  { name: "initial_std", kind: "float", start: "0.2", min: 0, step: 0.05, advanced: true },
  { name: "burn_in", kind: "float", start: "0", min: 0, step: 1, advanced: true },
  {
    name: "precision",
    kind: "choice",
    start: "float64",
    choices: ["float64", "float32"],
    advanced: true,
  },
];

/** The fields' texts as they stand in the form. */
export type FieldTexts = Record<FieldName, string>;

export const startTexts = (): FieldTexts =>
  Object.fromEntries(FIELDS.map(({ name, start }) => [name, start])) as FieldTexts;

/** False where another field's value makes this one meaningless: it is not shown, and not sent. */
export function applies(name: FieldName, texts: FieldTexts): boolean {
  if (name === "m" || name === "obs_network") return texts.obs_sites.trim() === "";
  if (name === "initial_std") return texts.initial === "perturbed-truth";
  return true;
}
