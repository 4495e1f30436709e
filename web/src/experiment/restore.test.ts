import { expect, test } from "vitest";

import { firstDraft } from "./draft";
import { restoreDraft } from "./restore";
import { METHODS } from "./testing";

test("a draft that was kept comes back", () => {
  const draft = firstDraft(METHODS);
  draft.fields.seed = "12";
  draft.instances[1]!.label = "mine";
  draft.instances[1]!.params["rotate"] = true;
  expect(restoreDraft(JSON.stringify(draft), METHODS)).toEqual(draft);
});

test("ids come back, each once: they say which part an instance has in a lesson", () => {
  const kept = ["lesson-a", "lesson-a", 5].map((id) => ({ id, name: "enkf" }));
  const draft = restoreDraft(JSON.stringify({ fields: {}, instances: kept }), METHODS);
  expect(draft?.instances.map(({ id }) => id)).toEqual(["lesson-a", "m2", "m3"]);
});

test.each([null, "", "nonsense", "[]", '{"fields": 1}', '{"fields": {}, "instances": {}}'])(
  "%s is no draft",
  (text) => expect(restoreDraft(text, METHODS)).toBe(null),
);

test("what no longer fits is left out", () => {
  const kept = {
    fields: { seed: 5, obs_network: "spiral", m: "12", burn_in: "3" },
    instances: [
      { name: "gone", label: "", params: {} },
      null,
      { name: "letkf", params: { r: 3, other: "1", taper: "none" } },
      { name: "letkf", params: { taper: "cone" } },
    ],
  };
  const draft = restoreDraft(JSON.stringify(kept), METHODS);
  expect(draft?.fields).toEqual({ ...firstDraft(METHODS).fields, m: "12", burn_in: "3" });
  expect(draft?.instances).toEqual([
    {
      id: "m1",
      name: "letkf",
      label: "",
      params: { r: "2", taper: "none", inf_fact: "", rotate: false },
    },
    {
      id: "m2",
      name: "letkf",
      label: "",
      params: { r: "2", taper: "box", inf_fact: "", rotate: false },
    },
  ]);
});
