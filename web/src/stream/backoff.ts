/** Waiting times between attempts: doubling, with jitter, up to a limit. */

const FIRST_MS = 500;
const LIMIT_MS = 15_000;

export class Backoff {
  private attempts = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const full = Math.min(LIMIT_MS, FIRST_MS * 2 ** this.attempts++);
    return full / 2 + (this.random() * full) / 2;
  }

  reset(): void {
    this.attempts = 0;
  }
}
