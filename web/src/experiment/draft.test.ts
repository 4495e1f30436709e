import { expect, test } from "vitest";

import type { RunRequest } from "../api/types";
import { draftOf, firstDraft, moved, newInstance, requestOf } from "./draft";
import { METHODS } from "./testing";

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
    initial: "climatology",
    burn_in: 0,
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
  draft.instances[1]!.params["r"] = "wide";
  const { request, errors } = requestOf(draft, METHODS, label);
  expect([...errors.keys()].sort()).toEqual(["end_time", "methods.1.params.r", "obs_sites", "std_obs"]);
  expect(request["ensemble_size"]).toBe(-5);
});

test("a run's request makes the draft that repeats it", () => {
  const first = { ...request(firstDraft(METHODS)), seed: 7, dt: 0.05, m: 32 };
  expect(request(draftOf(first, METHODS))).toEqual(first);
  const withSites: RunRequest = { ...first, obs_sites: [1, 3] };
  delete withSites["m"];
  delete withSites["obs_network"];
  expect(request(draftOf(withSites, METHODS))).toEqual(withSites);
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
