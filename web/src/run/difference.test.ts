import { expect, test } from "vitest";

import type { MethodInstance, RunRequest } from "../api/types";
import { compare } from "./difference";

const method = (id: string, name: string, params: MethodInstance["params"] = {}, label = id): MethodInstance =>
  ({ id, name, label, params });

const BASE: RunRequest = {
  model: "lorenz96",
  seed: 1,
  ensemble_size: 20,
  lorenz96_F: 8,
  forecast_F: 8,
  std_obs: 0.01,
  m: 32,
  obs_network: "random",
  obs_error_dof: 5,
  methods: [method("m1", "enkf", { rotate: false }), method("m2", "letkf", { r: 2 })],
};

test("equal requests differ in nothing, defaults that an older run does not state included", () => {
  const { forecast_F: _, ...older } = BASE;
  expect(compare([BASE, structuredClone(BASE), { ...older, burn_in: 0 } as RunRequest])).toEqual({
    differences: [],
    apart: [],
    sameCycles: true,
  });
});

test("settings of the filters differ: the comparison is fair", () => {
  const other = {
    ...BASE,
    ensemble_size: 40,
    methods: [method("m1", "enkf", { rotate: true }), method("m2", "letkf", { r: 4 }, "wider")],
  };
  const { differences, apart } = compare([BASE, other]);
  expect(apart).toEqual([]);
  expect(differences).toEqual([
    { name: "ensemble_size", values: ["20", "40"] },
    { name: "params.rotate", instance: { name: "enkf", label: "m1" }, values: ["false", "true"] },
    { name: "label", instance: { name: "letkf", label: "m2" }, values: ["m2", "wider"] },
    { name: "params.r", instance: { name: "letkf", label: "m2" }, values: ["2", "4"] },
  ]);
});

test.each([
  ["seed", 2],
  ["lorenz96_n", 80],
  ["lorenz96_F", 9],
  ["m", 20],
  ["std_obs", 0.1],
  ["obs_freq", 0.05],
  ["end_time", 20],
  ["obs_network", "fixed"],
  ["obs_operator", "square"],
  ["replicates", 2],
  ["precision", "float32"],
])("another %s is another experiment", (name, value) => {
  expect(compare([BASE, { ...BASE, [name]: value }]).apart).toEqual([name]);
});

test("explicit sites replace the others, and are told as a list", () => {
  const { m: _m, obs_network: _n, ...rest } = BASE;
  const { differences, apart } = compare([BASE, { ...rest, obs_sites: [0, 2] } as RunRequest]);
  expect(apart).toEqual(["m", "obs_network", "obs_sites"]);
  expect(differences.at(-1)).toEqual({ name: "obs_sites", values: [null, "0, 2"] });
});

test("what does not apply is no difference, and other scored cycles are said", () => {
  expect(compare([BASE, { ...BASE, obs_error_dof: 9 }]).differences).toEqual([]);
  expect(compare([BASE, { ...BASE, burn_in: 5 }])).toMatchObject({ apart: [], sameCycles: false });
});

test("methods are matched by id, then by name; what only some runs have is said", () => {
  const other = {
    ...BASE,
    methods: [method("x", "letkf", { r: 3 }), method("m1", "etkf"), method("m2", "letkf", { r: 2 })],
  };
  expect(compare([BASE, other]).differences).toEqual([
    { name: "", instance: { name: "enkf", label: "m1" }, values: ["m1", null] },
    { name: "", instance: { name: "letkf", label: "x" }, values: [null, "x"] },
    { name: "", instance: { name: "etkf", label: "m1" }, values: [null, "m1"] },
  ]);
});

test("a field that this page does not know is told too", () => {
  expect(compare([BASE, { ...BASE, weather: "fine" }]).differences).toEqual([
    { name: "weather", values: [null, "fine"] },
  ]);
});
