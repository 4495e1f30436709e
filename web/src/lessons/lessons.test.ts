import { expect, test } from "vitest";

import { partly } from "../api/testing";
import type { Metrics } from "../api/types";
import { fromSummary, type RunState } from "../run/state";
import { LESSON_NAMES, lessonOf, requestOfLesson, type LessonName } from "./lessons";
import { seen } from "./seen";

type Scores = Record<string, [rmse: number, spread: number, lost?: boolean]>;

/** A run of a lesson that ended with these scores, by the names of its parts. */
function run(name: LessonName, scores: Scores): RunState {
  const request = requestOfLesson(name);
  const state = fromSummary({
    run_id: "r",
    status: "completed",
    created_at: 0,
    started_at: 0,
    finished_at: 1,
    request,
    step_count: 1,
    error: null,
    warnings: [],
    runtime_sec: 1,
    methods: {},
    server: null,
    name: null,
    note: null,
    shared: false,
  });
  for (const method of state.methods) {
    const told = scores[method.id.replace(`${name}-`, "")];
    if (told === undefined) continue;
    const [rmse_analysis, spread_analysis, lost] = told;
    method.status = lost ? "diverged" : "completed";
    method.metrics = partly<Metrics>({ rmse_analysis, spread_analysis });
  }
  return state;
}

test("a run is known by its methods' ids as one of a lesson, as long as it has all of them", () => {
  for (const name of LESSON_NAMES) {
    const ids = requestOfLesson(name).methods.map(({ id }) => id);
    expect(lessonOf([...ids, "m9"])).toBe(name);
    expect(lessonOf(ids.slice(1))).toBe(null);
  }
});

const AS_SAID: Record<LessonName, [Scores, Record<string, string | number>]> = {
  chaos: [
    { free: [3.71, 3.6], filter: [0.178, 0.2], climatology: [3.63, 3.6] },
    { free: "3.71", filter: "0.178", climatology: "3.63" },
  ],
  inflate: [
    { without: [4.53, 0.1, true], with: [0.254, 0.2] },
    { low: 1, high: 1.1, without: "4.53", with: "0.254" },
  ],
  localise: [
    { global: [4.21, 0.2, true], local: [0.212, 0.2] },
    { members: 10, r: 4, global: "4.21", local: "0.212" },
  ],
  members: [
    { filter: [4.19, 0.182, true] },
    { members: 10, rmse: "4.19", spread: "0.182", ratio: "23" },
  ],
  stochastic: [
    { drawn: [0.24, 0.2], exact: [0.18, 0.2] },
    { drawn: "0.240", exact: "0.180", change: "33 %" },
  ],
  gaussian: [
    { kalman: [1.5, 1], particles: [0.7, 0.6] },
    { kalman: "1.50", particles: "0.700" },
  ],
};

const OTHERWISE: Record<LessonName, Scores> = {
  chaos: { free: [2.1, 2], filter: [0.178, 0.2], climatology: [3.63, 3.6] },
  inflate: { without: [0.26, 0.2], with: [0.254, 0.2] },
  localise: { global: [0.2, 0.2], local: [0.212, 0.2] },
  members: { filter: [0.18, 0.2] },
  stochastic: { drawn: [0.24, 0.2], exact: [0.25, 0.2] },
  gaussian: { kalman: [0.7, 0.6], particles: [0.7, 0.6] },
};

test.each(LESSON_NAMES)("%s: what it promises is confirmed from the run's numbers", (name) => {
  const [scores, values] = AS_SAID[name];
  expect(seen(name, run(name, scores))).toEqual({ asSaid: true, values });
});

test.each(LESSON_NAMES)("%s: numbers that do not show it are not made to", (name) => {
  expect(seen(name, run(name, OTHERWISE[name]))?.asSaid).toBe(false);
});

test("nothing is said before the end, nor without the scores of every part", () => {
  const running = run("inflate", AS_SAID.inflate[0]);
  running.status = "running";
  expect(seen("inflate", running)).toBe(null);
  expect(seen("inflate", run("inflate", { without: [4.5, 0.1, true] }))).toBe(null);
});

test("a filter that lost the truth as well confirms nothing", () => {
  const both = run("inflate", { without: [4.5, 0.1, true], with: [4.4, 0.1, true] });
  expect(seen("inflate", both)?.asSaid).toBe(false);
  const drawn = run("stochastic", { drawn: [4.5, 0.1, true], exact: [0.18, 0.2] });
  expect(seen("stochastic", drawn)?.asSaid).toBe(false);
});

test("what was changed is told as it was run", () => {
  const changed = run("inflate", AS_SAID.inflate[0]);
  changed.methods[1]!.params = { inf_fact: 1.05 };
  expect(seen("inflate", changed)?.values["high"]).toBe(1.05);
});
