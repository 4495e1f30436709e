import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { partly } from "../api/testing";
import type { Estimate, RunRequest } from "../api/types";
import { Estimator, REST_MS } from "./estimator";

interface Asked {
  request: RunRequest;
  signal: AbortSignal;
  answer: (found: Estimate | null) => void;
  fail: () => void;
}

const request = (end_time: number): RunRequest => ({ methods: [], end_time });
const estimate = (seconds: number) => partly<Estimate>({ seconds });

let asked: Asked[];
let told: (Estimate | null)[];
let estimator: Estimator;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  told = [];
  estimator = new Estimator(
    (request, signal) =>
      new Promise((answer, reject) => {
        asked.push({ request, signal, answer, fail: () => reject(new Error("offline")) });
      }),
    (found) => told.push(found),
  );
});

afterEach(() => vi.useRealTimers());

test("it asks once, when the form has rested", async () => {
  for (const end of [1, 12, 120]) {
    estimator.want(request(end));
    await vi.advanceTimersByTimeAsync(REST_MS - 1);
  }
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked.map(({ request }) => request)).toEqual([request(120)]);
  asked[0]!.answer(estimate(3));
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([estimate(3)]);
});

test("a stale question is cancelled, and its answer does not count", async () => {
  estimator.want(request(1));
  await vi.advanceTimersByTimeAsync(REST_MS);
  estimator.want(request(2));
  expect(asked[0]!.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(REST_MS);
  asked[1]!.answer(estimate(2));
  await vi.advanceTimersByTimeAsync(0);
  asked[0]!.answer(estimate(1));
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([estimate(2)]);
});

test("a form with problems is asked about by nobody, and says nothing", async () => {
  estimator.want(request(1));
  estimator.want(null);
  await vi.advanceTimersByTimeAsync(2 * REST_MS);
  expect(asked).toEqual([]);
  expect(told).toEqual([null]);
});

test("where the server does not answer nothing is said", async () => {
  estimator.want(request(1));
  await vi.advanceTimersByTimeAsync(REST_MS);
  asked[0]!.fail();
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([null]);
});
