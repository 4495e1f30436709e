/** What was asked for a sweep, in a form that can be shown, kept in an address, and sent again. */

import type { RunRequest, SweepAxis, SweptRequest } from "../api/types";
import { DEFAULT_SITES, FIELDS } from "../experiment/fields";
import { valueText } from "./names";

/** With what was left out of its method: the name as its label, and no parameters. */
export const completed = (request: SweptRequest): RunRequest => ({
  ...request,
  methods: request.methods.map(({ id, name, label, params }) => ({
    id,
    name,
    label: label ?? name,
    params: params ?? {},
  })),
});

/** For a line of text: ranges where a field is varied, and defaults where nothing was sent. */
export function described(request: RunRequest, axes: readonly SweepAxis[]): RunRequest {
  const shown: RunRequest = { ...request };
  for (const { name, kind, start } of FIELDS) {
    if (shown[name] === undefined && start !== "") {
      shown[name] = kind === "int" || kind === "float" ? Number(start) : start;
    }
  }
  if (shown["obs_sites"] === undefined) {
    shown["m"] ??= Math.min(DEFAULT_SITES, Number(shown["lorenz96_n"]));
  }
  for (const { field, values } of axes) {
    if (field in shown) shown[field] = `${valueText(values[0]!)} … ${valueText(values.at(-1)!)}`;
  }
  return shown;
}
