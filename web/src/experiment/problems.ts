/** The server's refusals, each put to the control that it is about. */

import type { FieldError, Problem } from "../api/types";
import { FIELD_NAMES } from "./fields";

export interface FormErrors {
  /** By control: a field's name, or `<instance id>.label`, `<instance id>.params.<name>`. */
  controls: Map<string, string>;
  /** What no control on the form stands for. */
  general: string[];
}

export const noErrors = (): FormErrors => ({ controls: new Map(), general: [] });

const KNOWN: ReadonlySet<string> = new Set(FIELD_NAMES);

/** `instances` in the order in which they were sent, with the names of their parameters. */
export function formErrors(
  problem: Problem,
  instances: readonly { id: string; params: Readonly<Record<string, unknown>> }[],
): FormErrors {
  const result = noErrors();
  const errors = problem.errors ?? [];
  for (const error of errors) {
    const control = controlOf(error, instances);
    if (control === null) result.general.push(`${error.field}: ${error.message}`);
    else result.controls.set(control, joined(result.controls.get(control), error.message));
  }
  if (errors.length === 0) {
    result.general.push(problem.error ?? problem.detail ?? problem.title ?? String(problem.status));
  }
  return result;
}

function controlOf(
  { field }: FieldError,
  instances: readonly { id: string; params: Readonly<Record<string, unknown>> }[],
): string | null {
  const root = field.split(".", 1)[0] ?? "";
  if (KNOWN.has(root)) return root;
  const match = /^methods\.(\d+)\.(.+)$/.exec(field);
  const instance = match && instances[Number(match[1])];
  const rest = match?.[2] ?? "";
  if (!instance) return null;
  const parameter = /^params\.(.+)$/.exec(rest)?.[1];
  const shown = rest === "label" || (parameter !== undefined && parameter in instance.params);
  return shown ? `${instance.id}.${rest}` : null;
}

const joined = (before: string | undefined, message: string): string =>
  before === undefined ? message : `${before} ${message}`;
