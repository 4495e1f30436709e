/** Which parameters of an instance apply: the others are neither shown nor sent. */

import type { MethodSchema, Value } from "../api/types";

type Entries = Readonly<Record<string, string | boolean>>;

/** `entries` as they stand in the form, `defaults` of the method. */
export function isSent(
  key: string,
  schema: MethodSchema,
  defaults: Readonly<Record<string, Value>>,
  entries: Entries,
): boolean {
  const condition = conditionOf(key, schema);
  if (condition === null || !(condition.name in schema)) return true;
  const entry = entries[condition.name] ?? "";
  // what is left empty, or not sent for a condition of its own, has its default
  const sent = entry !== "" && isSent(condition.name, schema, defaults, entries);
  return condition.values.includes(String(sent ? entry : defaults[condition.name]));
}

function conditionOf(key: string, schema: MethodSchema): { name: string; values: string[] } | null {
  const declared = schema[key]?.only_with;
  if (declared !== undefined && declared !== null) return declared;
  // servers that declare no conditions refuse a radius with taper none
  const tapers = schema["taper"]?.choices ?? [];
  const values = tapers.filter((taper) => taper !== "none");
  return key === "r" && values.length < tapers.length ? { name: "taper", values } : null;
}
