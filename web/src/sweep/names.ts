/** What a sweep's axes and cells are called. */

import type { Methods, SweepAxis, Value } from "../api/types";
import { lookUp, parameterText, t } from "../i18n";
import { plain } from "../i18n/numbers";

const PARAMETER = "methods.0.params.";

/** Of a setting, as the form has it. */
export function axisName(field: string, method: string, methods: Methods | null): string {
  if (!field.startsWith(PARAMETER)) return lookUp(`field.${field}`, field);
  const name = field.slice(PARAMETER.length);
  return parameterText(methods?.schema[method]?.[name]?.label ?? name);
}

/** Its name with its unit, where it has one: "r (sites)". */
export function axisLabel(field: string, method: string, methods: Methods | null): string {
  const unit = field.startsWith(PARAMETER)
    ? parameterText(methods?.schema[method]?.[field.slice(PARAMETER.length)]?.unit ?? "")
    : lookUp(`field.${field}.unit`, "");
  const name = axisName(field, method, methods);
  return unit === "" ? name : `${name} (${unit})`;
}

/** What the server refuses, by the names on the form: an axis, one of its values, or a setting. */
export function placeText(
  field: string,
  axes: readonly SweepAxis[],
  method: string,
  methods: Methods | null,
): string {
  const [, number, place] = /^axes\.(\d+)(?:\.values\.(\d+)|\.field)?$/.exec(field) ?? [];
  const axis = axes[Number(number)];
  if (axis === undefined) return axisName(field.replace(/^request\./, ""), method, methods);
  const name = axisName(axis.field, method, methods);
  const value = axis.values[Number(place)];
  return value === undefined ? name : t("sweep.of", { name, value: valueText(value) });
}

export const valueText = (value: Value): string =>
  typeof value === "number" ? plain(value) : String(value);

/** "Inflation = 1.05, Members = 10". */
export const cellText = (names: readonly string[], values: readonly Value[]): string =>
  names.map((name, k) => t("sweep.of", { name, value: valueText(values[k]!) })).join(", ");

/** "Inflation: 1, 1.05, 1.1". */
export const axisText = (name: string, { values }: SweepAxis): string =>
  t("sweep.over", { name, values: values.map(valueText).join(", ") });
