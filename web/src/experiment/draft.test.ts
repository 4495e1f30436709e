import { expect, test } from "vitest";

import type { RunRequest } from "../api/types";
import { draftOf, firstDraft, moved, newInstance, requestOf } from "./draft";
import { METHODS, parameter } from "./testing";

const label = ({ name }: { name: string }) => name.toUpperCase();
const request = (draft: ReturnType<typeof firstDraft>) => requestOf(draft, METHODS, label).request;

test("the first draft is the seed's example", () => {
  expect(request(firstDraft(METHODS))).toEqual({
    model: "lorenz96",
    ensemble_size: 20,
    inf_fact: 1.04,
    std_obs: 0.01,
    obs_freq: 0.1,
    end_time: 10,
    lorenz96_n: 40,
    lorenz96_F: 8,
    replicates: 1,
    obs_network: "random",
    obs_operator: "identity",
    obs_error: "gaussian",
    obs_error_correlation: 0,
    truth_noise: 0,
    forecast_noise: 0,
    initial: "climatology",
    burn_in: 0,
    forecast_leads: 0,
    record_states: true,
    precision: "float64",
    methods: [
      { id: "m1", name: "enkf", label: "ENKF", params: { rotate: false } },
      { id: "m2", name: "letkf", label: "LETKF", params: { r: 2, taper: "box", rotate: false } },
    ],
  });
});

test("explicit sites replace the number of sites and the network", () => {
  const draft = firstDraft(METHODS);
  draft.fields.obs_sites = "0, 2 ,4";
  draft.fields.m = "3";
  const sent = request(draft);
  expect(sent["obs_sites"]).toEqual([0, 2, 4]);
  expect(sent).not.toHaveProperty("m");
  expect(sent).not.toHaveProperty("obs_network");
});

test("errors of each site replace the one error", () => {
  const draft = firstDraft(METHODS);
  draft.fields.std_obs_sites = "0.5; 1 1e-2";
  const sent = request(draft);
  expect(sent["std_obs_sites"]).toEqual([0.5, 1, 0.01]);
  expect(sent).not.toHaveProperty("std_obs");
});

test("the shape of the error decides which of its parameters is sent", () => {
  const draft = firstDraft(METHODS);
  draft.fields.obs_error = "student";
  expect(request(draft)).toMatchObject({ obs_error: "student", obs_error_dof: 5 });
  expect(request(draft)).not.toHaveProperty("obs_error_correlation");
  draft.fields.obs_error = "laplace";
  expect(request(draft)).not.toHaveProperty("obs_error_dof");
});

test("a truth value that does not apply is not sent", () => {
  const methods = structuredClone(METHODS);
  methods.schema["letkf"]!["rotate"] = parameter({
    type: "bool",
    only_with: { name: "taper", values: ["none"] },
  });
  expect(requestOf(firstDraft(methods), methods, label).request.methods[1]!.params).toEqual({
    r: 2,
    taper: "box",
  });
});

test("with taper none no radius is sent", () => {
  const draft = firstDraft(METHODS);
  draft.instances[1]!.params["taper"] = "none";
  expect(request(draft).methods[1]!.params).toEqual({ taper: "none", rotate: false });
});

test("what is no number is said, by its path; what is out of range is the server's to judge", () => {
  const draft = firstDraft(METHODS);
  draft.fields.std_obs = "small";
  draft.fields.ensemble_size = "-5";
  draft.fields.end_time = "1e400";
  draft.fields.obs_sites = "1, two";
  draft.fields.forecast_F = "more";
  draft.instances[1]!.params["r"] = "wide";
  const { request, errors } = requestOf(draft, METHODS, label);
  expect(Object.fromEntries(errors)).toEqual({
    end_time: "not a number",
    forecast_F: "not a number",
    "methods.1.params.r": "not a number",
    obs_sites: "not a list of sites",
    std_obs: "not a number",
  });
  expect(request["ensemble_size"]).toBe(-5);
});

test("a decimal comma is taken for a point", () => {
  const draft = firstDraft(METHODS);
  draft.fields.inf_fact = "1,02";
  draft.instances[1]!.params["r"] = " 2,5 ";
  expect(request(draft)["inf_fact"]).toBe(1.02);
  expect(request(draft).methods[1]!.params["r"]).toBe(2.5);
});

test("a run's request makes the draft that repeats it", () => {
  const first = { ...request(firstDraft(METHODS)), seed: 7, dt: 0.05, m: 32 };
  expect(request(draftOf(first, METHODS))).toEqual(first);
  const withSites: RunRequest = { ...first, obs_sites: [1, 3] };
  delete withSites["m"];
  delete withSites["obs_network"];
  expect(request(draftOf(withSites, METHODS))).toEqual(withSites);
});

test("a run's request brings the settings of observing and model error back", () => {
  const { std_obs: _, obs_error_correlation: __, ...rest } = request(firstDraft(METHODS));
  const first: RunRequest = {
    ...rest,
    std_obs_sites: [0.5, 1],
    obs_operator: "square",
    obs_error: "student",
    obs_error_dof: 3,
    forecast_F: 8.5,
    truth_noise: 0.1,
    forecast_leads: 7,
  };
  expect(request(draftOf(first, METHODS))).toEqual(first);
});

test("a run older than a field has the field's default", () => {
  const old: RunRequest = { ensemble_size: 10, methods: [] };
  expect(draftOf(old, METHODS).fields).toEqual({ ...firstDraft(METHODS).fields, ensemble_size: "10" });
});

test("a forcing of the forecast that is the truth's goes on following it", () => {
  const first = { ...request(firstDraft(METHODS)), lorenz96_F: 10 };
  expect(draftOf({ ...first, forecast_F: 10 }, METHODS).fields.forecast_F).toBe("");
  expect(draftOf({ ...first, forecast_F: 8 }, METHODS).fields.forecast_F).toBe("8");
});

test("a choice that this page does not offer is left as it was", () => {
  expect(draftOf({ obs_operator: "cube", methods: [] }, METHODS).fields.obs_operator).toBe("identity");
});

test("a parameter that was not taken has its default when it applies again", () => {
  const params = { taper: "none", rotate: true };
  const run: RunRequest = { methods: [{ id: "m1", name: "letkf", label: "", params }] };
  const [instance] = draftOf(run, METHODS).instances;
  expect(instance!.params).toEqual({ r: "2", taper: "none", inf_fact: "", rotate: true });
});

test("ids stay unique when instances come and go", () => {
  const draft = firstDraft(METHODS);
  draft.instances.shift();
  draft.instances.push(newInstance("enkf", METHODS, draft));
  draft.instances.push(newInstance("enkf", METHODS, draft));
  const ids = draft.instances.map(({ id }) => id);
  expect(new Set(ids).size).toBe(3);
});

test("moving", () => {
  expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], 2, 1)).toEqual(["a", "c", "b"]);
  expect(moved(["a"], 0, 1)).toEqual(["a"]);
});
