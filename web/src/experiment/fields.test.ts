import { expect, test } from "vitest";

import { applies, FIELD_NAMES, FIELDS, GROUPS, isDefault, startTexts, type FieldName } from "./fields";

const field = (name: FieldName) => FIELDS.find((candidate) => candidate.name === name)!;
const withTexts = (texts: Partial<Record<FieldName, string>>) => ({ ...startTexts(), ...texts });

test("every name has a field, and every heading has fields", () => {
  expect(FIELDS.map(({ name }) => name).sort()).toEqual([...FIELD_NAMES].sort());
  for (const group of GROUPS) expect(FIELDS.some((one) => one.group === group)).toBe(true);
});

test.each([
  ["m", { obs_sites: "1, 2" }, false],
  ["obs_network", { obs_sites: " " }, true],
  ["std_obs", { std_obs_sites: "1 1" }, false],
  ["std_obs", {}, true],
  ["initial_std", {}, false],
  ["initial_std", { initial: "perturbed-truth" }, true],
  ["obs_error_dof", {}, false],
  ["obs_error_dof", { obs_error: "student" }, true],
  ["obs_error_correlation", {}, true],
  ["obs_error_correlation", { obs_error: "laplace" }, false],
] as const)("%s with %o applies: %s", (name, texts, expected) => {
  expect(applies(field(name), withTexts(texts))).toBe(expected);
});

test("the start is the default of every field", () => {
  expect(FIELDS.filter((one) => !isDefault(one, startTexts()))).toEqual([]);
});

test.each([
  ["truth_noise", { truth_noise: "0.0" }, true],
  ["truth_noise", { truth_noise: "0.5" }, false],
  ["obs_operator", { obs_operator: "square" }, false],
  ["forecast_F", { forecast_F: "8.0" }, true],
  ["forecast_F", { forecast_F: "8", lorenz96_F: "10" }, false],
  ["std_obs_sites", { std_obs_sites: "1, 1" }, false],
  ["obs_error_dof", { obs_error_dof: "3" }, true],
] as const)("%s with %o is the default: %s", (name, texts, expected) => {
  expect(isDefault(field(name), withTexts(texts))).toBe(expected);
});
