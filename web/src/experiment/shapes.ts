/** Fields and parameters as controls: texts, ranges and placeholders. */

import type { ParameterSchema } from "../api/types";
import { lookUp, parameterText, t } from "../i18n";
import type { Language } from "../i18n/languages";
import type { Field, FieldTexts, Kind } from "./fields";

/** What a control of the form looks like. */
export interface Shape {
  kind: "int" | "float" | "text" | "choice" | "bool";
  label: string;
  unit?: string;
  help?: string;
  /** That of the help, where it is not the page's. */
  helpLanguage?: Language;
  /** Said after the help. */
  range?: string;
  min?: number | undefined;
  max?: number | undefined;
  step?: number | undefined;
  choices?: readonly string[];
  choiceText?: (choice: string) => string;
  placeholder?: string;
}

const KINDS: Record<Kind, Shape["kind"]> = {
  int: "int",
  float: "float",
  sites: "text",
  numbers: "text",
  choice: "choice",
  flag: "choice",
};

export function fieldShape(field: Field, texts: FieldTexts): Shape {
  return {
    kind: KINDS[field.kind],
    label: t(`field.${field.name}`),
    unit: t(`field.${field.name}.unit`),
    help: t(`field.${field.name}.help`),
    min: field.min,
    max: field.max,
    step: field.step,
    choices: field.choices ?? [],
    choiceText: (choice) => lookUp(`choice.${choice}`, choice),
    placeholder: placeholder(field, texts),
  };
}

/** What the server takes where nothing is entered, as far as the form can tell. */
function placeholder({ name, follows }: Field, texts: FieldTexts): string {
  if (name === "m") return String(Math.min(32, Number(texts.lorenz96_n) || 32));
  if (name === "obs_sites") return "0, 2, 4 …";
  if (name === "std_obs_sites") return "0.5, 1, 0.5 …";
  return (follows === undefined ? "" : texts[follows].trim()) || t("form.auto");
}

/** `inflation` is the run's, which an instance takes that has none of its own. */
export function parameterShape(
  name: string,
  schema: ParameterSchema,
  defaultValue: unknown,
  inflation: string,
): Shape {
  const choice = (schema.choices ?? []).length > 0;
  const inherited = name === "inf_fact" && defaultValue === undefined;
  return {
    kind: choice ? "choice" : schema.type === "str" ? "text" : schema.type,
    label: parameterText(schema.label ?? name),
    unit: parameterText(schema.unit ?? ""),
    help: schema.help ?? "",
    helpLanguage: "en",
    range: range(schema),
    min: schema.min ?? undefined,
    max: schema.max ?? undefined,
    step: schema.step ?? undefined,
    choices: schema.choices ?? [],
    placeholder: inherited ? inflation : String(defaultValue ?? t("methods.default")),
  };
}

function range({ min, max, exclusive_min }: ParameterSchema): string {
  if (min !== undefined && min !== null && max !== undefined && max !== null) {
    return t(exclusive_min ? "form.rangeAbove" : "form.range", { min, max });
  }
  if (min !== undefined && min !== null) {
    return t(exclusive_min ? "form.above" : "form.from", { min });
  }
  return max !== undefined && max !== null ? t("form.to", { max }) : "";
}
