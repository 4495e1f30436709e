/** Asks what a request would cost once it has rested a little; only the newest answer counts. */

import type { Estimate, RunRequest } from "../api/types";

/** null: there is nothing to estimate, as the request is not in order. */
export type Ask = (request: RunRequest, signal: AbortSignal) => Promise<Estimate | null>;

/** About as long as a pause between two key presses. */
export const REST_MS = 400;

export class Estimator {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | null = null;

  /** `tell` gets null where there is no estimate, for whatever reason. */
  constructor(
    private readonly ask: Ask,
    private readonly tell: (estimate: Estimate | null) => void,
  ) {}

  /** Ask about this request instead of the one before; null: about none. */
  want(request: RunRequest | null): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
    if (request === null) this.tell(null);
    else this.timer = setTimeout(() => void this.find(request), REST_MS);
  }

  private async find(request: RunRequest): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    const found = await this.ask(request, abort.signal).catch(() => null);
    if (this.abort === abort) this.tell(found);
  }
}
