/** The server's refusals, each put to the control that it is about. */

import type { FieldError, Problem } from "../api/types";
import { FIELD_NAMES } from "./fields";

export interface FormErrors {
  /** By control: a field's name, or `<instance id>.label`, `<instance id>.params.<name>`. */
  controls: Map<string, string>;
  /** What no control on the form stands for. */
  general: string[];
  /** One limit on what several fields come to: an edit of any of them may mend all. */
  together: boolean;
}

export const noErrors = (): FormErrors => ({ controls: new Map(), general: [], together: false });

/** What still holds once this control has been edited; the same object where that is all. */
export function afterEdit(errors: FormErrors, control: string): FormErrors {
  if (errors.together) return noErrors();
  if (errors.general.length === 0 && !errors.controls.has(control)) return errors;
  const controls = new Map([...errors.controls].filter(([name]) => name !== control));
  return { ...errors, controls, general: [] };
}

/**
 * True where the errors are about a product of fields. The server sends no code for that, but the
 * sentence about a product names all its fields, and stands at each; others do not name their own.
 */
const areTogether = (errors: readonly FieldError[]): boolean =>
  errors.length > 1 && errors.every(({ field, message }) => namedIn(message).has(field));

/** What is wrong with a sweep, each message once: its fields, or none where it names them itself. */
export function byMessage(errors: readonly FieldError[]): { fields: readonly string[]; message: string }[] {
  return [...new Set(errors.map(({ message }) => message))].map((message) => {
    const fields = errors.filter((error) => error.message === message).map(({ field }) => field);
    const named = namedIn(message);
    const own = fields.length > 1 && fields.some((field) => named.has(field.replace(/^request\./, "")));
    return { fields: own ? [] : fields, message };
  });
}

const namedIn = (message: string): ReadonlySet<string> => new Set(message.split(/[^\w.]+/));

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
  result.together = areTogether(errors);
  // the fields say it, and so does the cost above Run
  if (result.together && result.controls.size > 0) result.general = [];
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
