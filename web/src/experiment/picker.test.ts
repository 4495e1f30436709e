import { expect, test } from "vitest";

import type { Methods } from "../api/types";
import { startTexts } from "./fields";
import { grouped, matching, refusedFields } from "./picker";
import { METHODS } from "./testing";

const LOCAL = ["letkf", "lpf", "enkf-modified-cholesky"];
const BASELINES = ["3dvar", "extkf", "free-run"];
const GLOBAL = ["eakf", "enkf", "ensrf", "estkf", "etkf"];
const OTHER = ["4dvar", "ienkx", "netf", "pf", "rhf"];

const MANY: Methods = {
  ...METHODS,
  methods: [...BASELINES, ...GLOBAL, ...LOCAL, ...OTHER].sort(),
  requires_model: LOCAL,
  baselines: BASELINES,
};

test("groups follow what the server says, the most compared first", () => {
  expect(grouped(MANY)).toEqual([
    { name: "global", first: ["enkf", "ensrf", "etkf"], rest: ["eakf", "estkf"] },
    { name: "local", first: ["letkf", "lpf"], rest: ["enkf-modified-cholesky"] },
    { name: "other", first: ["pf", "4dvar"], rest: ["ienkx", "netf", "rhf"] },
    { name: "baseline", first: ["free-run", "3dvar"], rest: ["extkf"] },
  ]);
});

test("few methods are all in sight, and groups without any are not", () => {
  expect(grouped(METHODS)).toEqual([
    { name: "global", first: ["enkf"], rest: [] },
    { name: "local", first: ["letkf"], rest: [] },
  ]);
  expect(grouped({ ...METHODS, methods: ["mine"] })).toEqual([
    { name: "other", first: ["mine"], rest: [] },
  ]);
});

test("a query finds methods by all its words in their names, else in their help", () => {
  const help = (method: string) => (method === "eakf" ? "Ensemble adjustment, not 4dvar" : "");
  const found = (query: string) => matching(grouped(MANY), query, (method) => method, help);
  expect(found("ADJUST ens")).toEqual([{ name: "global", first: ["eakf"], rest: [] }]);
  expect(found("dvar").map(({ first }) => first)).toEqual([["4dvar"], ["3dvar"]]);
  expect(found("nothing")).toEqual([]);
});

test("fields that a method cannot take are those that are not as usual", () => {
  const refuses = { enkf: ["obs_operator", "truth_noise"] };
  const texts = { ...startTexts(), obs_operator: "square", obs_error: "laplace" };
  expect(refusedFields("enkf", { ...METHODS, refuses }, texts)).toEqual(["obs_operator"]);
  expect(refusedFields("enkf", { ...METHODS, refuses }, startTexts())).toEqual([]);
  expect(refusedFields("enkf", METHODS, texts)).toEqual([]);
});
