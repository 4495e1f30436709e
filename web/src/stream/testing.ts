/** Events for tests. */

import type { RunEvent } from "./events";

export const RUN = "run-a";

export function started(id: number, run_id = RUN): RunEvent {
  return { type: "run_started", run_id, ts: 0, _event_id: id };
}

export function ended(id: number, run_id = RUN): RunEvent {
  return { type: "run_completed", run_id, ts: 0, _event_id: id };
}

export function compiling(
  id: number,
  program: string,
  estimated_seconds: number | null = null,
): RunEvent {
  return { type: "compiling", run_id: RUN, ts: 0, _event_id: id, program, estimated_seconds };
}

export function methodStarted(id: number, method_id: string): RunEvent {
  const method = { method_id, name: "enkf", label: method_id, params: { rotate: false } };
  return { type: "method_started", run_id: RUN, ts: 0, _event_id: id, ...method };
}

export function partial(id: number, method_id: string, step: number, error_a = 0.5): RunEvent {
  return {
    type: "partial",
    run_id: RUN,
    ts: 0,
    _event_id: id,
    method_id,
    name: "enkf",
    label: method_id,
    step,
    t: step / 10,
    error_a,
    error_b: 2 * error_a,
    rmse_analysis: null,
    rmse_background: 3,
    spread_analysis: 0,
    spread_background: 5,
  };
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
