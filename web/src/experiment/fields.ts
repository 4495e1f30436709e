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
  "obs_network",
  "obs_sites",
  "std_obs_sites",
  "obs_operator",
  "obs_error",
  "obs_error_dof",
  "obs_error_correlation",
  "forecast_F",
  "truth_noise",
  "forecast_noise",
  "initial",
  "initial_std",
  "burn_in",
  "forecast_leads",
  "record_states",
  "dt",
  "precision",
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];

/** `sites` and `numbers` are lists; a `flag` is true or false. */
export type Kind = "int" | "float" | "sites" | "numbers" | "choice" | "flag";

/** The headings under "More settings", in their order. */
export const GROUPS = ["observing", "modelError", "scoring", "numerics"] as const;

export type GroupName = (typeof GROUPS)[number];

export interface Field {
  name: FieldName;
  kind: Kind;
  /** What the form starts with: the server's default, but for `record_states`; empty: the server
      chooses. */
  start: string;
  min?: number;
  max?: number;
  step?: number;
  choices?: readonly string[];
  /** Where it stands under "More settings"; absent: it is always in sight. */
  group?: GroupName;
  /** Meaningless unless that field has one of these values. */
  onlyWith?: { name: FieldName; values: readonly string[] };
  /** Meaningless when that field is filled in. */
  replacedBy?: FieldName;
  /** The field whose value it has when it is left empty. */
  follows?: FieldName;
}

const MAX_SEED = 2 ** 53 - 1;
/** Sites that are observed where nothing is said of them, or all where there are fewer. */
export const DEFAULT_SITES = 32;

export const FIELDS: readonly Field[] = [
  { name: "ensemble_size", kind: "int", start: "20", min: 2, step: 1 },
  { name: "inf_fact", kind: "float", start: "1.04", min: 0, step: 0.01 },
  { name: "m", kind: "int", start: "", min: 1, step: 1, replacedBy: "obs_sites" },
  { name: "std_obs", kind: "float", start: "0.01", min: 0, step: 0.01, replacedBy: "std_obs_sites" },
  { name: "obs_freq", kind: "float", start: "0.1", min: 0, step: 0.05 },
  { name: "end_time", kind: "float", start: "10", min: 0, step: 1 },
  { name: "lorenz96_n", kind: "int", start: "40", min: 4, step: 1 },
  { name: "lorenz96_F", kind: "float", start: "8", min: -1000, max: 1000, step: 0.5 },
  { name: "seed", kind: "int", start: "", min: 0, max: MAX_SEED, step: 1 },
  { name: "replicates", kind: "int", start: "1", min: 1, step: 1 },
  {
    name: "obs_network",
    kind: "choice",
    start: "random",
    choices: ["random", "fixed", "regular"],
    group: "observing",
    replacedBy: "obs_sites",
  },
  { name: "obs_sites", kind: "sites", start: "", group: "observing" },
  {
    name: "obs_operator",
    kind: "choice",
    start: "identity",
    choices: ["identity", "square", "absolute", "log", "saturating"],
    group: "observing",
  },
  {
    name: "obs_error",
    kind: "choice",
    start: "gaussian",
    choices: ["gaussian", "laplace", "student"],
    group: "observing",
  },
  {
    name: "obs_error_dof",
    kind: "float",
    start: "5",
    min: 2,
    step: 1,
    group: "observing",
    onlyWith: { name: "obs_error", values: ["student"] },
  },
  {
    name: "obs_error_correlation",
    kind: "float",
    start: "0",
    min: 0,
    step: 0.5,
    group: "observing",
    onlyWith: { name: "obs_error", values: ["gaussian"] },
  },
  { name: "std_obs_sites", kind: "numbers", start: "", group: "observing" },
  {
    name: "forecast_F",
    kind: "float",
    start: "",
    min: -1000,
    max: 1000,
    step: 0.5,
    group: "modelError",
    follows: "lorenz96_F",
  },
  { name: "truth_noise", kind: "float", start: "0", min: 0, step: 0.1, group: "modelError" },
  { name: "forecast_noise", kind: "float", start: "0", min: 0, step: 0.1, group: "modelError" },
  {
    name: "initial",
    kind: "choice",
    start: "climatology",
    choices: ["climatology", "perturbed-truth"],
    group: "scoring",
  },
  {
    name: "initial_std",
    kind: "float",
    start: "0.2",
    min: 0,
    step: 0.05,
    group: "scoring",
    onlyWith: { name: "initial", values: ["perturbed-truth"] },
  },
  { name: "burn_in", kind: "float", start: "0", min: 0, step: 1, group: "scoring" },
  { name: "forecast_leads", kind: "int", start: "0", min: 0, max: 100, step: 1, group: "scoring" },
  {
    name: "record_states",
    kind: "flag",
    start: "true",
    choices: ["true", "false"],
    group: "scoring",
  },
  { name: "dt", kind: "float", start: "", min: 0, step: 0.01, group: "numerics" },
  {
    name: "precision",
    kind: "choice",
    start: "float64",
    choices: ["float64", "float32"],
    group: "numerics",
  },
];

/** The fields' texts as they stand in the form. */
export type FieldTexts = Record<FieldName, string>;

export const startTexts = (): FieldTexts =>
  Object.fromEntries(FIELDS.map(({ name, start }) => [name, start])) as FieldTexts;

/** False where another field's value makes this one meaningless: it is not shown, and not sent. */
export function applies({ onlyWith, replacedBy }: Field, texts: FieldTexts): boolean {
  if (replacedBy !== undefined && texts[replacedBy].trim() !== "") return false;
  return onlyWith === undefined || onlyWith.values.includes(texts[onlyWith.name]);
}

/** True where the run is as it would be without the field. */
export function isDefault(field: Field, texts: FieldTexts): boolean {
  const text = texts[field.name].trim();
  if (text === "" || !applies(field, texts)) return true;
  const usual = field.follows === undefined ? field.start : texts[field.follows].trim();
  return usual !== "" && (text === usual || Number(text) === Number(usual));
}
