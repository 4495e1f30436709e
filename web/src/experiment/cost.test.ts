import { expect, test } from "vitest";

import { partly } from "../api/testing";
import type { Estimate } from "../api/types";
import { costWords } from "./cost";
import { firstDraft, newInstance, type Draft } from "./draft";
import { METHODS } from "./testing";

const limits = { bytes: 4e9, operations: 1e14, rows: 5_000_000, methods: 100 };
const small = partly<Estimate>({
  bytes: 12_300_000,
  operations: 1e9,
  rows: 202,
  seconds: 3.21,
  basis: "history",
  fits: true,
  limits,
  errors: [],
});

const errors = (...fields: string[]) => fields.map((field) => ({ field, message: "is refused" }));

function draft(fields: Partial<Draft["fields"]>, methods = 2): Draft {
  const made = firstDraft(METHODS);
  while (made.instances.length < methods) made.instances.push(newInstance("enkf", METHODS, made));
  return { ...made, fields: { ...made.fields, ...fields } };
}

test("time and memory, and what they rest on", () => {
  const [figure, basis] = costWords(small, draft({}));
  expect(figure).toBe("About 3.2 s and 12 MB of memory.");
  expect(basis).toContain("earlier runs");
  expect(costWords({ ...small, basis: "default" }, draft({}))[1]).toContain("guess");
});

test("what is too large is named with its limit and the fields that were changed", () => {
  const large = { ...small, fits: false, bytes: 8e10, errors: errors("lorenz96_n", "ensemble_size") };
  expect(costWords(large, draft({ lorenz96_n: "1000000" }))).toEqual([
    "Too large: 80 GB of memory, at most 4.0 GB.",
    "It would be refused; see: Sites n.",
  ]);
});

test("a cycle that is too long by itself is named, though no limit that is told is exceeded", () => {
  const long = { ...small, fits: false, errors: errors("dt", "obs_freq") };
  expect(costWords(long, draft({ dt: "1e-9" }))).toEqual([
    "Too large: one cycle alone would take minutes.",
    "It would be refused; see: Model step dt.",
  ]);
});

test("methods are blamed where there are many, and a few fields at most are named", () => {
  const fields = ["replicates", "ensemble_size", "lorenz96_n", "methods", "end_time", "obs_freq"];
  const large = { ...small, fits: false, rows: 1e7, errors: errors(...fields) };
  const [figure, named] = costWords(
    large,
    draft({ end_time: "1e6", replicates: "9", ensemble_size: "99" }, 3),
  );
  expect(figure).toBe("Too large: 1.0e7 rows of results, at most 5.0e6.");
  expect(named).toBe("It would be refused; see: Methods, Members, Length.");
});

test("where nothing was changed the server's fields are named", () => {
  const large = { ...small, fits: false, operations: 1e15, errors: errors("end_time", "dt") };
  expect(costWords(large, draft({}))).toEqual([
    "Too large: 1.0e15 operations, at most 1.0e14.",
    "It would be refused; see: Length, Model step dt.",
  ]);
});
