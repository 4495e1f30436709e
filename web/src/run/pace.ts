/** How long a run still takes, from how far it came since it began. */

import { isActive, progress, type RunState } from "./state";

/** Seconds; null before there is anything to tell it from. */
export function remaining({ methods, steps, firstStep, newestStep }: RunState): number | null {
  if (firstStep === null || newestStep === null) return null;
  const spent = newestStep - firstStep;
  const done = methods.reduce((sum, method) => sum + progress(method, steps), 0) / methods.length;
  const over = methods.every(({ status }) => !isActive(status));
  return over || done <= 0 || spent <= 0 ? null : (spent * (1 - done)) / done;
}
