/** A draft from what the browser kept, as far as it still fits the server's methods. */

import type { Methods } from "../api/types";
import { newInstance, type Draft } from "./draft";
import { FIELDS, startTexts } from "./fields";

/** null where nothing usable was kept. */
export function restoreDraft(text: string | null, methods: Methods): Draft | null {
  const kept = parsed(text);
  if (!isRecord(kept) || !isRecord(kept["fields"]) || !Array.isArray(kept["instances"])) return null;
  const draft: Draft = { fields: startTexts(), instances: [] };
  for (const { name, choices } of FIELDS) {
    const value = kept["fields"][name];
    const fits = typeof value === "string" && (choices === undefined || choices.includes(value));
    if (fits) draft.fields[name] = value;
  }
  for (const entry of kept["instances"] as unknown[]) {
    if (!isRecord(entry)) continue;
    const { id, name, label, params } = entry;
    if (typeof name !== "string" || !methods.methods.includes(name)) continue;
    const instance = newInstance(name, methods, draft, typeof label === "string" ? label : "");
    for (const [key, start] of Object.entries(instance.params)) {
      const value = isRecord(params) ? params[key] : undefined;
      const offered = methods.schema[name]?.[key]?.choices ?? [];
      const fits = offered.length === 0 || offered.includes(value as string);
      if (typeof value === typeof start && fits) instance.params[key] = value as string | boolean;
    }
    const free = typeof id === "string" && draft.instances.every((other) => other.id !== id);
    draft.instances.push(free ? { ...instance, id } : instance);
  }
  return draft;
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
