import { expect, test } from "vitest";

import type { Methods, MethodSchema } from "../api/types";
import { draftOf } from "../experiment/draft";
import { parameter } from "../experiment/testing";
import { PRESETS, RECORDED, requestOfPreset } from "./presets";
import { referencesOf } from "./references";
import { presetNumbers, presetTitle, referenceText } from "./texts";

const number = parameter({ type: "float" });
const SCHEMA: MethodSchema = {
  inf_fact: number,
  r: number,
  xN: number,
  b_scale: number,
  taper: parameter({ type: "str", choices: ["box", "gaspari-cohn", "none"] }),
  rotate: parameter({ type: "bool" }),
};
const NAMES = [...new Set(RECORDED.map(({ row }) => row.method)), "pf"];
const METHODS: Methods = {
  methods: NAMES,
  requires_model: [],
  defaults: Object.fromEntries(NAMES.map((name) => [name, { r: 2, taper: "box", rotate: false }])),
  schema: Object.fromEntries(NAMES.map((name) => [name, SCHEMA])),
  help: {},
  baselines: [],
  references: {},
  refuses: {},
};
const preset = (id: string) => PRESETS.find((candidate) => candidate.id === id)!;
const draft = (id: string) => draftOf(requestOfPreset(preset(id)), METHODS);
const told = (of: ReturnType<typeof draft>) =>
  referencesOf(of, METHODS).map(({ id, credit }) => `${id} ${referenceText(credit)}`);

test("every preset has the published number of each of its methods, and starts near the truth", () => {
  for (const { id, recorded } of PRESETS) {
    const request = requestOfPreset(preset(id));
    expect(request["initial"]).toBe("perturbed-truth");
    expect(request.methods.length).toBe(recorded.length);
    expect(referencesOf(draftOf(request, METHODS), METHODS).map(({ credit }) => credit)).toEqual(
      recorded.map(({ credit }) => credit),
    );
  }
  const works = PRESETS.flatMap(({ recorded }) => recorded.map(({ credit }) => credit.work));
  for (const work of ["Sakov & Oke 2008b", "Bocquet & Sakov 2015", "Hoteit et al. 2015"]) {
    expect(works).toContain(work);
  }
  expect(works).toContain("Spantini et al. 2019");
});

test("rows that share a preset share its setting", () => {
  for (const { recorded } of PRESETS) {
    const settings = recorded.map(({ row }) => JSON.stringify(row.request ?? {}));
    expect(new Set(settings).size).toBe(1);
    const sizes = recorded.map(({ row }) => row.ensemble_size ?? recorded[0]!.row.ensemble_size);
    expect(new Set(sizes).size).toBe(1);
  }
});

test("a preset is called by who computed it", () => {
  expect(presetTitle(preset("S08-penkf-40"))).toBe("Sakov & Oke 2008b, 40\u00a0members");
  expect(presetNumbers(preset("S08-penkf-40"))).toBe("EnKF 0.22 · DEnKF 0.18");
  expect(presetTitle(preset("S19-letkf-40"))).toBe("DAPPER after Spantini et al. 2019, 40\u00a0members");
  expect(told(draft("S19-letkf-40"))).toEqual([
    "m1 DAPPER after Spantini et al. 2019: 1.0",
    "m2 DAPPER after Spantini et al. 2019: 2.5",
  ]);
});

test("a number is said only of its own setting", () => {
  const [enkf, denkf] = ["m1 Sakov & Oke 2008b: 0.22", "m2 Sakov & Oke 2008a: 0.18"];
  const start = draft("S08-penkf-40");
  expect(told(start)).toEqual([enkf, denkf]);

  const sampled = structuredClone(start);
  Object.assign(sampled.fields, { seed: "", replicates: "1", std_obs: "1.0" });
  expect(told(sampled)).toEqual([enkf, denkf]);

  const noisier = structuredClone(start);
  noisier.fields.std_obs = "1.1";
  expect(told(noisier)).toEqual([]);
  const fewer = structuredClone(start);
  fewer.fields.ensemble_size = "39";
  expect(told(fewer)).toEqual([]);
  const squared = structuredClone(start);
  squared.fields.obs_operator = "square";
  expect(told(squared)).toEqual([]);

  const inflated = structuredClone(start);
  inflated.instances[0]!.params["inf_fact"] = "1.07";
  expect(told(inflated)).toEqual([denkf]);
  const rotated = structuredClone(start);
  rotated.instances[1]!.params["rotate"] = true;
  expect(told(rotated)).toEqual([enkf]);
});

test("a baseline's number holds with any number of members", () => {
  const fewer = draft("S19-letkf-40");
  fewer.fields.ensemble_size = "10";
  expect(told(fewer)).toEqual(["m2 DAPPER after Spantini et al. 2019: 2.5"]);
});
