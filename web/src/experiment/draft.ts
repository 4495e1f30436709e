/** The experiment that is being written: texts as typed, and the request that they make. */

import type { Methods, RunRequest, Value } from "../api/types";
import { applies, FIELDS, startTexts, type FieldTexts, type Kind } from "./fields";
import { isGrouped, withPoint } from "./numbers";
import { isSent } from "./parameters";

export interface DraftInstance {
  id: string;
  name: string;
  label: string;
  /** A text, or a truth value for a check box; an empty text is not sent. */
  params: Record<string, string | boolean>;
}

export interface Draft {
  fields: FieldTexts;
  instances: DraftInstance[];
}

/** By the path of the value, as the server names it: `m`, `methods.0.params.r`. */
export type TextErrors = Map<string, TextError>;

export type TextError = "not a number" | "grouped digits" | "not a list of sites" | "not a list of numbers";

/** The seed's example: an EnKF that loses the truth, and a LETKF that holds it. */
export function firstDraft(methods: Methods): Draft {
  const draft: Draft = { fields: startTexts(), instances: [] };
  for (const name of ["enkf", "letkf"]) {
    if (methods.methods.includes(name)) draft.instances.push(newInstance(name, methods, draft));
  }
  return draft;
}

export function newInstance(name: string, methods: Methods, draft: Draft, label = ""): DraftInstance {
  const schema = methods.schema[name] ?? {};
  const defaults = methods.defaults[name] ?? {};
  const params = Object.keys(schema).map((key) => [key, asText(defaults[key])]);
  return { id: freeId(draft), name, label, params: Object.fromEntries(params) };
}

/**
 * The draft that makes a given run again. What this page does not know is left out; what the run
 * does not have, being older than the field, or not taken, has its default.
 */
export function draftOf(request: RunRequest, methods: Methods): Draft {
  const draft: Draft = { fields: startTexts(), instances: [] };
  for (const { name, choices, follows } of FIELDS) {
    const value = request[name];
    if (value === undefined || value === null) continue;
    // what follows another field goes on following it when that is edited
    if (follows !== undefined && value === request[follows]) continue;
    const text = Array.isArray(value) ? value.join(", ") : String(value);
    if (choices === undefined || choices.includes(text)) draft.fields[name] = text;
  }
  for (const { id, name, label, params } of request.methods) {
    if (!methods.methods.includes(name)) continue;
    const instance = newInstance(name, methods, draft, label);
    for (const key of Object.keys(instance.params)) {
      if (key in params) instance.params[key] = asText(params[key]);
    }
    draft.instances.push({ ...instance, id });
  }
  return draft;
}

/** The request, with the label shown for an instance that was given none. */
export function requestOf(
  draft: Draft,
  methods: Methods,
  defaultLabel: (instance: DraftInstance) => string,
): { request: RunRequest; errors: TextErrors } {
  const errors: TextErrors = new Map();
  const read = (path: string, text: string, kind: Kind | "str"): unknown => {
    const value = parse(text, kind);
    if (value === undefined) {
      errors.set(path, REASONS[kind] ?? (isGrouped(text) ? "grouped digits" : "not a number"));
    }
    return value;
  };
  const fields: Record<string, unknown> = { model: "lorenz96" };
  for (const field of FIELDS) {
    const { name, kind } = field;
    const text = draft.fields[name].trim();
    if (text !== "" && applies(field, draft.fields)) fields[name] = read(name, text, kind);
  }
  const instances = draft.instances.map((instance, index) => {
    const params: Record<string, Value> = {};
    const schema = methods.schema[instance.name] ?? {};
    const defaults = methods.defaults[instance.name] ?? {};
    for (const [key, { type }] of Object.entries(schema)) {
      if (!isSent(key, schema, defaults, instance.params)) continue;
      const entry = instance.params[key] ?? "";
      if (typeof entry === "boolean") {
        params[key] = entry;
      } else if (entry.trim() !== "") {
        const kind = type === "str" || type === "bool" ? "str" : type;
        params[key] = read(`methods.${index}.params.${key}`, entry.trim(), kind) as Value;
      }
    }
    const label = instance.label.trim() === "" ? defaultLabel(instance) : instance.label;
    return { id: instance.id, name: instance.name, label, params };
  });
  return { request: { ...fields, methods: instances }, errors };
}

const REASONS: Partial<Record<Kind | "str", TextError>> = {
  sites: "not a list of sites",
  numbers: "not a list of numbers",
};

/** undefined: not of this kind. That a value is in range, or whole, the server judges. */
function parse(text: string, kind: Kind | "str"): unknown {
  if (kind === "choice" || kind === "str") return text;
  if (kind === "flag") return text === "true";
  if (kind === "sites" || kind === "numbers") {
    const items = text.split(/[\s,;]+/).filter((part) => part !== "").map(Number);
    return items.every(Number.isFinite) ? items : undefined;
  }
  const value = Number(withPoint(text));
  return Number.isFinite(value) ? value : undefined;
}

function asText(value: Value | undefined | null): string | boolean {
  if (value === undefined || value === null) return "";
  return typeof value === "boolean" ? value : String(value);
}

function freeId(draft: Draft): string {
  const taken = new Set(draft.instances.map(({ id }) => id));
  let number = draft.instances.length + 1;
  while (taken.has(`m${number}`)) number += 1;
  return `m${number}`;
}

/** The list with the entry at `from` put to `to`; unchanged where either is outside. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const result = [...list];
  if (from < 0 || to < 0 || from >= list.length || to >= list.length) return result;
  result.splice(to, 0, ...result.splice(from, 1));
  return result;
}
