/** What the experiment on the form would cost here; null where that is not known. */

import { estimateRun } from "../api/client";
import type { Estimate, RunRequest } from "../api/types";
import { Estimator } from "../experiment/estimator";

class Cost {
  estimate = $state.raw<Estimate | null>(null);

  private readonly estimator = new Estimator(estimateRun, (found) => (this.estimate = found));

  of(request: RunRequest | null): void {
    this.estimator.want(request);
  }
}

export const cost = new Cost();
