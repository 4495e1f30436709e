/** The states of one method of a run, or of its truth, read as they come. */

import { ApiError, getStates } from "../api/client";
import { decode, joined, type States } from "../run/states";

/** Drawing them all anew twice a second leaves the time between to the curves. */
const PAUSE_MS = 500;
const RETRY_MS = 2000;

export class KeptStates {
  /** null before the first. */
  states = $state.raw<States | null>(null);

  private until = -1;
  private reading = false;

  /** `method` null: the truth. */
  constructor(
    private readonly runId: string,
    private readonly method: string | null,
  ) {}

  /** There are states up to this step: read what is missing, one request at a time. */
  async reach(step: number): Promise<void> {
    this.until = Math.max(this.until, step);
    if (this.reading) return;
    this.reading = true;
    try {
      while (this.last < this.until) {
        const buffer = await getStates(this.runId, this.method, this.last);
        this.states = joined(this.states, decode(buffer));
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } catch (error) {
      if (!(error instanceof ApiError)) setTimeout(() => void this.reach(step), RETRY_MS);
    } finally {
      this.reading = false;
    }
  }

  private get last(): number {
    return this.states?.steps.at(-1) ?? -1;
  }
}
