/** What a run would cost, in words. */

import type { Estimate } from "../api/types";
import { t } from "../i18n";
import { bytes, duration, number } from "../run/format";
import type { Draft } from "./draft";
import { FIELDS, isDefault } from "./fields";

/** Two short sentences; the first is the figure, the second what it rests on or what to change. */
export type CostWords = readonly [string, string];

export function costWords(estimate: Estimate, draft: Draft): CostWords {
  if (estimate.fits) {
    const { seconds, bytes: memory, basis } = estimate;
    return [
      t("cost.about", { time: duration(seconds), memory: bytes(memory) }),
      t(`cost.basis.${basis}`),
    ];
  }
  return [tooLarge(estimate), t("cost.lower", { fields: blamed(estimate, draft).join(", ") })];
}

/** By the first limit that is exceeded; where it is none of those told, one cycle is too long. */
function tooLarge(estimate: Estimate): string {
  const { limits } = estimate;
  const over = LIMITED.find((name) => estimate[name] > limits[name]);
  if (over === undefined) return t("cost.over.cycle");
  const shown = over === "bytes" ? bytes : (amount: number) => number(amount, 2);
  return t(`cost.over.${over}`, { amount: shown(estimate[over]), limit: shown(limits[over]) });
}

const LIMITED = ["bytes", "operations", "rows"] as const;

const MOST_NAMED = 3;

/**
 * The names of the fields that make it too large: those that were changed, as the rest by itself fits
 * a usual server; all where none was.
 */
function blamed({ errors }: Estimate, draft: Draft): string[] {
  const named = new Set(errors.map(({ field }) => field));
  const fields = FIELDS.filter(({ name }) => named.has(name));
  const changed = fields.filter((field) => !isDefault(field, draft.fields));
  const names = (changed.length > 0 ? changed : fields).map(({ name }) => t(`field.${name}`));
  const manyMethods = named.has("methods") && draft.instances.length > USUAL_METHODS;
  return [...(manyMethods ? [t("methods.title")] : []), ...names].slice(0, MOST_NAMED);
}

/** Of the form's example. */
const USUAL_METHODS = 2;
