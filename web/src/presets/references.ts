/** Which recorded numbers hold for an experiment: those whose setting it has. */

import type { Methods } from "../api/types";
import { draftOf, type Draft, type DraftInstance } from "../experiment/draft";
import { applies, FIELDS, type Field, type FieldName } from "../experiment/fields";
import { isSent } from "../experiment/parameters";
import type { Credit } from "./credit";
import { RECORDED } from "./presets";
import { requestFor } from "./table";

export interface Reference {
  /** Of the instance whose number it is. */
  id: string;
  credit: Credit;
  /** Model time from which the mean is taken. */
  from: number;
}

/** What changes the sample, not the setting. */
const FREE: ReadonlySet<FieldName> = new Set(["seed", "replicates", "forecast_leads", "record_states"]);

/** The references of an experiment's instances, in their order. */
export function referencesOf(draft: Draft, methods: Methods): Reference[] {
  const fitting = RECORDED.flatMap(({ row, credit }) => {
    const recorded = draftOf(requestFor([row]), methods);
    const [instance] = recorded.instances;
    const sized = row.ensemble_size !== undefined;
    if (instance === undefined || !sameFields(draft, recorded, sized)) return [];
    return [{ instance, credit, from: Number(recorded.fields.burn_in) }];
  });
  return draft.instances.flatMap((instance) => {
    const found = fitting.find((row) => sameMethod(instance, row.instance, methods));
    return found === undefined ? [] : [{ id: instance.id, credit: found.credit, from: found.from }];
  });
}

function sameFields(a: Draft, b: Draft, sized: boolean): boolean {
  return FIELDS.every((field) => {
    if (FREE.has(field.name) || (field.name === "ensemble_size" && !sized)) return true;
    return sameText(effective(field, a), effective(field, b));
  });
}

/** The field's text where it counts. */
function effective(field: Field, { fields }: Draft): string {
  if (!applies(field, fields)) return "";
  const text = fields[field.name].trim();
  return text === "" && field.follows !== undefined ? fields[field.follows].trim() : text;
}

function sameMethod(a: DraftInstance, b: DraftInstance, { schema, defaults }: Methods): boolean {
  if (a.name !== b.name) return false;
  const declared = schema[a.name] ?? {};
  const usual = defaults[a.name] ?? {};
  const sent = ({ params }: DraftInstance, key: string): string =>
    isSent(key, declared, usual, params) ? String(params[key] ?? "").trim() : "";
  return Object.keys(declared).every((key) => sameText(sent(a, key), sent(b, key)));
}

/** The same value: 1.0 is 1. */
const sameText = (a: string, b: string): boolean =>
  a === b || (a !== "" && b !== "" && Number(a) === Number(b));
