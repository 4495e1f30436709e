import { expect, test } from "vitest";

import { partly } from "../api/testing";
import type { Diagnostics, Metrics, Run } from "../api/types";
import type { RunEvent } from "../stream/events";
import { compiling, ended, methodStarted, partial, RUN, started } from "../stream/testing";
import { fold, fromSummary, lostAt, progress, type RunState } from "./state";

const SUMMARY: Run = {
  run_id: RUN,
  status: "queued",
  created_at: 1,
  started_at: null,
  finished_at: null,
  error: null,
  warnings: [],
  runtime_sec: null,
  server: null,
  name: null,
  note: null,
  shared: false,
  step_count: 3,
  request: {
    end_time: 0.2,
    obs_freq: 0.1,
    methods: [
      { id: "m1", name: "enkf", label: "m1", params: {} },
      { id: "m2", name: "enkf", label: "m2", params: {} },
    ],
  },
  methods: {},
};

const DIAGNOSTICS = partly<Diagnostics>({ rank_histogram: [1, 2], lead_rmse: [0.5] });
const METRICS = partly<Metrics>({ rmse_analysis: 1, diverged_replicates: 1 });
const done = (id: number, method_id: string): RunEvent => ({
  type: "method_completed",
  run_id: RUN,
  ts: 0,
  _event_id: id,
  method_id,
  name: "enkf",
  label: method_id,
  metrics: METRICS,
  diagnostics: DIAGNOSTICS,
  runtime_sec: 0.1,
  status: "diverged",
  diverged_step: 1,
});

const EVENTS: RunEvent[] = [
  { type: "run_created", run_id: RUN, ts: 0, _event_id: 1, request: SUMMARY.request },
  started(2),
  methodStarted(3, "m1"),
  methodStarted(4, "m2"),
  partial(5, "m1", 0),
  partial(6, "m2", 0, 0.25),
  partial(7, "m1", 1),
  partial(8, "m2", 1),
  partial(9, "m1", 2),
  done(10, "m1"),
  partial(11, "m2", 2),
  done(12, "m2"),
  ended(13),
];

const begin = (): RunState => fromSummary(structuredClone(SUMMARY));

test("the same events give the same state however they are batched", () => {
  const whole = fold(begin(), EVENTS);
  for (let cut = 0; cut <= EVENTS.length; cut += 1) {
    const halves = fold(fold(begin(), EVENTS.slice(0, cut)), EVENTS.slice(cut));
    expect(halves).toEqual(whole);
  }
  expect(whole.status).toBe("completed");
  expect(whole.methods[1]!.columns.error_a).toEqual([0.25, 0.5, 0.5]);
  expect(whole.methods[0]!.columns.rmse_analysis).toEqual([null, null, null]);
});

test("what comes twice, or belongs to another run, counts for nothing", () => {
  const once = fold(begin(), EVENTS.slice(0, 8));
  const again = fold(fold(begin(), EVENTS.slice(0, 8)), [
    ...EVENTS.slice(2, 8),
    started(9, "run-b"),
  ]);
  expect(again).toEqual(once);
});

test("methods interleave, complete, and may diverge, with their step", () => {
  const state = fold(begin(), EVENTS.slice(0, 10));
  expect(state.methods.map(({ status }) => status)).toEqual(["diverged", "running"]);
  expect(state.methods[0]!.metrics).toEqual(METRICS);
  expect(state.methods[0]!.diagnostics).toEqual(DIAGNOSTICS);
  expect(state.methods[1]!.diagnostics).toBe(null);
  expect(lostAt(state.methods[0]!)).toBe(0.1);
  expect(lostAt(state.methods[1]!)).toBe(null);
  expect(progress(state.methods[1]!, state.steps)).toBeCloseTo(2 / 3);
});

test("a state is not changed by what is folded in after it, but for the shared columns", () => {
  const before = fold(begin(), EVENTS.slice(0, 6));
  fold(before, EVENTS.slice(6));
  expect(before.status).toBe("running");
  expect(before.methods.map(({ status }) => status)).toEqual(["running", "running"]);
  expect(before.lastEvent).toBe(6);
});

test("a failure says why, and ends what had not ended", () => {
  const failed: RunEvent = { type: "run_failed", run_id: RUN, ts: 0, _event_id: 11, error: "why" };
  const state = fold(begin(), [...EVENTS.slice(0, 10), failed]);
  expect(state).toMatchObject({ status: "failed", error: "why" });
  expect(state.methods.map(({ status }) => status)).toEqual(["diverged", "failed"]);
});

test("an ended run brings its diagnostics", () => {
  const summary = structuredClone(SUMMARY);
  summary.methods["m1"] = {
    ...summary.request.methods[0]!,
    method_id: "m1",
    status: "completed",
    metrics: METRICS,
    diagnostics: DIAGNOSTICS,
    runtime_sec: 1,
    diverged_step: null,
  };
  expect(fromSummary(summary).methods[0]!.diagnostics).toEqual(DIAGNOSTICS);
});

test("replaying the events of an ended run does not make it look unfinished", () => {
  const summary = structuredClone(SUMMARY);
  summary.status = "completed";
  const state = fold(fromSummary(summary), EVENTS.slice(0, 3));
  expect(state.status).toBe("completed");
});

test.each([methodStarted(6, "m1"), partial(6, "m1", 4), ended(6)])(
  "what is compiled is named once, until $type",
  (ready) => {
    const waiting = [compiling(2, "truth"), compiling(3, "enkf"), compiling(4, "enkf", 2)];
    const state = fold(begin(), [...waiting, compiling(5, "letkf", 3)]);
    expect(state.compiling).toEqual([
      { program: "truth", seconds: null },
      { program: "enkf", seconds: 2 },
      { program: "letkf", seconds: 3 },
    ]);
    expect(fold(state, [ready]).compiling).toEqual([]);
  },
);

test("an event of a newer server counts, and changes nothing else", () => {
  const before = fold(begin(), EVENTS.slice(0, 8));
  const unknown = { ...started(9), type: "weather" } as unknown as RunEvent;
  expect(fold(before, [unknown])).toEqual({ ...before, lastEvent: 9 });
});

test("nothing more comes once the end has been told, whatever the summary knew", () => {
  const cancelled = fromSummary({ ...SUMMARY, status: "cancelled" });
  expect(fold(cancelled, EVENTS.slice(0, 3)).ended).toBe(false);
  expect(fold(cancelled, [{ type: "run_cancelled", run_id: RUN, ts: 0, _event_id: 2 }]).ended).toBe(true);
});
