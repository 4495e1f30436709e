/** The runs that are on the page, open or compared, kept up to date by the stream. */

import { ApiError, cancelRun, deleteRun, describeRun, getRun } from "../api/client";
import type { RunRequest, Words } from "../api/types";
import { shortId, t } from "../i18n";
import { fold, fromSummary, isActive, type RunState } from "../run/state";
import { firstView, type View } from "../run/view";
import { StreamClient } from "../stream/client";
import type { RunEvent } from "../stream/events";
import { runTold } from "./about";
import { announcer } from "./announcer.svelte";
import { comparedIds, openIds } from "./address";
import { attendList } from "./attention";
import { history } from "./history.svelte";
import { router } from "./route.svelte";
import { session } from "./session.svelte";

export class OpenRun {
  /** null while the summary is on its way. */
  state = $state.raw<RunState | null>(null);
  /** The server does not (any longer) know this run. */
  gone = $state(false);
  /** The last thing that could not be done with it. */
  failure = $state("");
  /** What was asked: of the server, or else of the address; null where neither tells. */
  request = $state.raw<RunRequest | null>(null);
  words = $state.raw<Words>({ name: null, note: null, shared: false });
  view = $state.raw<View>(firstView());

  constructor(readonly id: string) {}

  look(change: Partial<View>): void {
    this.view = { ...this.view, ...change };
  }

  /** What people call it. */
  get title(): string {
    return this.words.name ?? t("run.name", { id: shortId(this.id) });
  }
}

const RETRY_MS = 2000;

const isNotFound = (error: unknown): boolean =>
  error instanceof ApiError && error.problem.status === 404;

class Runs {
  /** Newest first. */
  open = $state.raw<readonly OpenRun[]>([]);
  /** In the order of the address; empty where nothing is compared. */
  compared = $state.raw<readonly OpenRun[]>([]);
  live = $state(true);

  private readonly arrived: RunEvent[] = [];
  private scheduled = false;
  private readonly stream = new StreamClient({
    events: (events) => this.arrive(events),
    gone: (id) => this.lose(id),
    connection: (live) => (this.live = live),
    refused: () => void session.admitted().then(() => this.stream.rewatch()),
  });

  constructor() {
    for (const id of openIds(location.search).reverse()) void this.show(id);
  }

  /** Put a run on the page, from its first event on. */
  async show(id: string): Promise<void> {
    if (this.isOpen(id)) return;
    const run = this.find(id) ?? new OpenRun(id);
    this.setOpen([run, ...this.open]);
    if (run.state === null) await this.load(run);
  }

  /** Lay runs over each other: those that the address names. */
  followRoute(): void {
    const ids = comparedIds(router.route) ?? [];
    const before = this.compared;
    const wanted = ids.map((id) => this.find(id) ?? new OpenRun(id));
    this.compared = wanted;
    for (const run of before) this.release(run.id);
    for (const run of wanted) if (run.state === null && !run.gone) void this.load(run);
  }

  private async load(run: OpenRun): Promise<void> {
    const { id } = run;
    const told = runTold(await router.told, id);
    run.request ??= told?.request ?? null;
    if (told?.view !== undefined) run.view = told.view;
    try {
      const summary = await getRun(id);
      if (this.find(id) !== run || run.state !== null) return;
      if (summary.run_id !== id && this.isOpen(id)) {
        this.close(id); // the address had it in capitals, say
        return this.show(summary.run_id);
      }
      run.state = fromSummary(summary);
      run.request = summary.request;
      run.words = wordsOf(summary);
      this.stream.watch(summary.run_id, 0);
    } catch (error) {
      if (isNotFound(error)) run.gone = true;
      else setTimeout(() => this.find(id) === run && this.load(run), RETRY_MS);
    }
  }

  close(id: string): void {
    this.setOpen(this.open.filter((run) => run.id !== id));
    this.release(id);
  }

  private release(id: string): void {
    if (this.find(id) === undefined) this.stream.unwatch(id);
  }

  isOpen(id: string): boolean {
    return this.open.some((run) => run.id === id);
  }

  async cancel(run: OpenRun): Promise<void> {
    await this.attempt(run, () => cancelRun(run.id));
  }

  async delete(run: OpenRun): Promise<void> {
    if (await this.attempt(run, () => deleteRun(run.id))) {
      this.close(run.id);
      void attendList();
      history.forget(run.id);
    }
    await history.refresh();
  }

  /** Name, note, share; what went wrong, or empty. */
  async describe(id: string, words: Words): Promise<string> {
    try {
      const summary = await describeRun(id, words);
      const run = this.find(id);
      if (run !== undefined) run.words = wordsOf(summary);
    } catch (error) {
      return error instanceof ApiError ? error.message : t("app.failed");
    }
    await history.refresh();
    return "";
  }

  /** True when it is done, or the run is not there any more. */
  private async attempt(run: OpenRun, action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
    } catch (error) {
      if (!isNotFound(error)) {
        run.failure = error instanceof ApiError ? error.message : t("app.failed");
        return false;
      }
      run.gone = true;
    }
    run.failure = "";
    return true;
  }

  private find(id: string): OpenRun | undefined {
    return this.all().find((run) => run.id === id);
  }

  private all(): OpenRun[] {
    return [...new Set([...this.open, ...this.compared])];
  }

  private setOpen(open: readonly OpenRun[]): void {
    this.open = open;
    router.setOpenIds(open.map(({ id }) => id));
  }

  private lose(id: string): void {
    const run = this.find(id);
    if (run !== undefined) run.gone = true;
    history.forget(id);
    void history.refresh();
  }

  /** Events are folded in once a frame; in a hidden tab, where there are no frames, by the clock. */
  private arrive(events: RunEvent[]): void {
    this.arrived.push(...events);
    if (this.scheduled) return;
    this.scheduled = true;
    if (document.hidden) setTimeout(() => this.foldIn(), 250);
    else requestAnimationFrame(() => this.foldIn());
  }

  private foldIn(): void {
    this.scheduled = false;
    const events = this.arrived.splice(0);
    for (const run of this.all()) {
      if (run.state === null || !events.some((event) => event.run_id === run.state?.id)) continue;
      const before = run.state.status;
      run.state = fold(run.state, events);
      if (run.state.status !== before) this.statusChanged(run.state, isActive(before));
    }
  }

  private statusChanged(run: RunState, wasActive: boolean): void {
    void history.refresh();
    if (!wasActive) return;
    const name = t("run.name", { id: shortId(run.id) });
    announcer.say(t("run.said", { run: name, status: t(`status.${run.status}`) }));
  }
}

export const wordsOf = ({ name, note, shared }: Words): Words => ({ name, note, shared });

export const runs = new Runs();
