/** The form's state: the draft, what the server said against it, and the way to a run. */

import { ApiError, createRun, getMethods } from "../api/client";
import type { Methods, RunRequest } from "../api/types";
import {
  draftOf,
  firstDraft,
  moved,
  newInstance,
  requestOf,
  type Draft,
  type DraftInstance,
  type TextError,
} from "../experiment/draft";
import { isSent } from "../experiment/parameters";
import { restoreDraft } from "../experiment/restore";
import { afterEdit, formErrors, noErrors, type FormErrors } from "../experiment/problems";
import { methodName, t, type Key } from "../i18n";
import { announcer } from "./announcer.svelte";
import { attendForm, attendRun } from "./attention";
import { runs } from "./runs.svelte";
import { recall, remember } from "./storage";

/** Parameters that tell instances of one method apart, by what the field writes for them. */
const TELLING = { r: "r", inf_fact: "infl" } as const;

/** The label of an instance that the user gave none: its name, its radius and its own inflation. */
export function defaultLabel({ name, params }: DraftInstance): string {
  const schema = experiment.methods?.schema[name] ?? {};
  const defaults = experiment.methods?.defaults[name] ?? {};
  const told = Object.entries(TELLING).flatMap(([key, sign]) => {
    const entry = params[key] ?? "";
    const tells = entry !== "" && (key === "r" || entry !== String(defaults[key]));
    return tells && isSent(key, schema, defaults, params) ? [`${sign} = ${entry}`] : [];
  });
  return told.length > 0 ? `${methodName(name)} (${told.join(", ")})` : methodName(name);
}

const RETRY_MS = 2000;

const TEXT_ERRORS: Record<TextError, Key> = {
  "not a number": "form.notANumber",
  "grouped digits": "form.grouped",
  "not a list of sites": "form.notSites",
  "not a list of numbers": "form.notNumbers",
};

class Experiment {
  methods = $state.raw<Methods | null>(null);
  failed = $state(false);
  draft = $state<Draft | null>(null);
  errors = $state.raw<FormErrors>(noErrors());
  starting = $state(false);
  /** Wanted on the form before the methods were known. */
  private wanted: RunRequest | null = null;

  async load(): Promise<void> {
    try {
      const methods = await getMethods();
      this.failed = false;
      this.methods = methods;
      if (this.wanted !== null) this.fill(this.wanted);
      this.draft ??= restoreDraft(recall("draft"), methods) ?? firstDraft(methods);
    } catch {
      this.failed = true;
      setTimeout(() => this.failed && this.load(), RETRY_MS);
    }
  }

  save(): void {
    if (this.draft !== null) remember("draft", JSON.stringify(this.draft));
  }

  reset(): void {
    if (this.methods === null) return;
    this.draft = firstDraft(this.methods);
    this.errors = noErrors();
  }

  /** As a person wants it who presses a button for it. */
  reuse(request: RunRequest): void {
    this.fill(request);
    void attendForm();
  }

  fill(request: RunRequest): void {
    this.wanted = this.methods === null ? request : null;
    if (this.methods === null) return;
    this.draft = draftOf(request, this.methods);
    this.errors = noErrors();
  }

  add(name: string): void {
    if (this.draft === null || this.methods === null) return;
    this.draft.instances.push(newInstance(name, this.methods, this.draft));
    this.edited("methods");
    announcer.say(t("methods.added", { name: methodName(name) }));
  }

  remove(id: string): void {
    if (this.draft === null) return;
    this.draft.instances = this.draft.instances.filter((instance) => instance.id !== id);
    this.edited("methods");
  }

  move(from: number, to: number): void {
    if (this.draft !== null) this.draft.instances = moved(this.draft.instances, from, to);
  }

  /** What was said of this control, or of all together, no longer holds once it is edited. */
  edited(control: string): void {
    this.errors = afterEdit(this.errors, control);
  }

  /** The request with one of its methods, for a sweep; null where the form is not in order. */
  requestOfOne(id: string): RunRequest | null {
    if (this.draft === null || this.methods === null) return null;
    const { request, errors } = requestOf(this.draft, this.methods, defaultLabel);
    const methods = request.methods.filter((method) => method.id === id);
    return errors.size > 0 ? null : { ...request, methods, record_states: false };
  }

  /** The request whose cost is of interest; null where the form is not in order. */
  get costing(): RunRequest | null {
    const { draft, methods } = this;
    if (draft === null || methods === null || draft.instances.length === 0) return null;
    const { request, errors } = requestOf(draft, methods, ({ name }) => name);
    // labels cost nothing, and are not to be asked about
    const unlabelled = request.methods.map((instance) => ({ ...instance, label: instance.id }));
    return errors.size > 0 ? null : { ...request, methods: unlabelled };
  }

  /** Start the run; true when the server took it. */
  async submit(): Promise<boolean> {
    if (this.draft === null || this.methods === null || this.starting) return false;
    if (this.draft.instances.length === 0) {
      this.errors = { ...noErrors(), general: [t("form.noMethods")] };
      return false;
    }
    const sent = this.draft.instances.map(({ id, params }) => ({ id, params: { ...params } }));
    const { request, errors } = requestOf(this.draft, this.methods, defaultLabel);
    if (errors.size > 0) {
      const said = [...errors].map(([field, reason]) => ({ field, message: t(TEXT_ERRORS[reason]) }));
      this.errors = formErrors({ status: 422, errors: said }, sent);
      return false;
    }
    this.starting = true;
    try {
      const { run_id } = await createRun(request);
      this.errors = noErrors();
      void runs.show(run_id);
      void attendRun(run_id);
      return true;
    } catch (error) {
      this.errors =
        error instanceof ApiError
          ? formErrors(error.problem, sent)
          : { ...noErrors(), general: [t("app.failed")] };
      return false;
    } finally {
      this.starting = false;
    }
  }
}

export const experiment = new Experiment();
