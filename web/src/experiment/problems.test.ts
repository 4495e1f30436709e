import { expect, test } from "vitest";

import { formErrors } from "./problems";

const INSTANCES = [
  { id: "m3", params: {} },
  { id: "m1", params: { r: "2" } },
];

test("each error goes to the control that it names, by the order that was sent", () => {
  const { controls, general } = formErrors(
    {
      status: 422,
      errors: [
        { field: "ensemble_size", message: "too small." },
        { field: "ensemble_size", message: "too dear." },
        { field: "obs_sites.3", message: "twice" },
        { field: "methods.1.params.r", message: "too wide" },
        { field: "methods.0.label", message: "too long" },
        { field: "methods.1.params.other", message: "unknown" },
        { field: "methods.7.params.r", message: "where?" },
        { field: "methods", message: "none" },
      ],
    },
    INSTANCES,
  );
  expect(Object.fromEntries(controls)).toEqual({
    ensemble_size: "too small. too dear.",
    obs_sites: "twice",
    "m1.params.r": "too wide",
    "m3.label": "too long",
  });
  expect(general).toEqual([
    "methods.1.params.other: unknown",
    "methods.7.params.r: where?",
    "methods: none",
  ]);
});

test("a refusal without fields is said as a whole", () => {
  const { general } = formErrors({ status: 400, error: "Unknown method: x" }, INSTANCES);
  expect(general).toEqual(["Unknown method: x"]);
});
