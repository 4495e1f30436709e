/** How the picker sorts a server's methods: in groups, the most compared first. */

import type { Methods } from "../api/types";
import { FIELDS, isDefault, type FieldName, type FieldTexts } from "./fields";

export const METHOD_GROUPS = ["global", "local", "other", "baseline"] as const;

export type MethodGroup = (typeof METHOD_GROUPS)[number];

export interface Group {
  name: MethodGroup;
  /** Always in sight. */
  first: string[];
  /** One step away. */
  rest: string[];
}

/** The methods that are compared most, in the order in which they are shown. */
const FIRST = [
  ...["enkf", "ensrf", "etkf", "enkf-n"],
  ...["letkf", "lenkf", "enkf-b-loc"],
  ...["pf", "lpf", "hybrid", "4dvar"],
  ...["free-run", "climatology", "3dvar"],
];

/** So few need no sorting out: all are in sight. */
const FEW = 12;

/** The groups that have methods; every method is in one of them. */
export function grouped(methods: Methods): Group[] {
  const few = methods.methods.length <= FEW;
  const inOrder = [...methods.methods].sort((a, b) => rank(a) - rank(b));
  return METHOD_GROUPS.map((name) => {
    const members = inOrder.filter((method) => groupOf(method, methods) === name);
    const isFirst = (method: string) => few || FIRST.includes(method);
    return {
      name,
      first: members.filter(isFirst),
      rest: members.filter((method) => !isFirst(method)),
    };
  }).filter(({ first, rest }) => first.length + rest.length > 0);
}

const rank = (method: string): number =>
  FIRST.includes(method) ? FIRST.indexOf(method) : FIRST.length;

function groupOf(method: string, { baselines, requires_model }: Methods): MethodGroup {
  if (baselines.includes(method)) return "baseline";
  if (requires_model.includes(method)) return "local";
  return isKalman(method) ? "global" : "other";
}

/** Kalman filters say so in their names (the ensemble square-root filter: EnSRF). */
const isKalman = (method: string): boolean => /kf|srf/.test(method);

type TextOf = (method: string) => string;

/** The methods that have every word of the query in their names or, where none has, in their help. */
export function matching(
  groups: readonly Group[],
  query: string,
  nameOf: TextOf,
  helpOf: TextOf,
): Group[] {
  const named = having(groups, query, nameOf);
  return named.length > 0
    ? named
    : having(groups, query, (method) => `${nameOf(method)} ${helpOf(method)}`);
}

function having(groups: readonly Group[], query: string, textOf: TextOf): Group[] {
  const words = query.toLowerCase().split(/\s+/);
  const fits = (method: string): boolean => {
    const text = textOf(method).toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return groups
    .map(({ name, first, rest }) => ({ name, first: [...first, ...rest].filter(fits), rest: [] }))
    .filter(({ first }) => first.length > 0);
}

/** The fields whose values in the form the method cannot take into account: the run is refused. */
export function refusedFields(method: string, methods: Methods, texts: FieldTexts): FieldName[] {
  const refused = methods.refuses[method] ?? [];
  return FIELDS.filter((field) => refused.includes(field.name) && !isDefault(field, texts)).map(
    ({ name }) => name,
  );
}
