import { expect, test } from "vitest";

import { afterEdit, byMessage, formErrors } from "./problems";

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

test("a limit on a product is said at its fields, and any edit takes it away", () => {
  const message = "is refused: end_time x m x methods come to about 9e+20 operations, and a run may have 1e+14";
  const fields = ["end_time", "m", "methods"];
  const refused = formErrors({ status: 422, errors: fields.map((field) => ({ field, message })) }, INSTANCES);
  expect([...refused.controls.keys()]).toEqual(["end_time", "m"]);
  expect(refused.general).toEqual([]);
  expect(afterEdit(refused, "seed")).toEqual({ controls: new Map(), general: [], together: false });
});

test("an edit takes away what was said of the control, and of the whole", () => {
  const errors = ["ensemble_size", "replicates", "other"].map((field) => ({ field, message: "must be at least 1" }));
  const refused = formErrors({ status: 422, errors }, INSTANCES);
  expect(refused.general).toEqual(["other: must be at least 1"]);
  const after = afterEdit(refused, "replicates");
  expect([[...after.controls.keys()], after.general]).toEqual([["ensemble_size"], []]);
  expect(afterEdit(after, "seed")).toBe(after);
});

test("a limit on a product is said once of a sweep", () => {
  const product = "is refused: replicates x ensemble_size come to about 9e+20 bytes";
  const errors = [
    { field: "request.replicates", message: product },
    { field: "axes.0.values.1", message: product },
    { field: "axes.1.values.0", message: "must be at least 2" },
    { field: "axes.1.values.1", message: "must be at least 2" },
  ];
  expect(byMessage(errors)).toEqual([
    { fields: [], message: product },
    { fields: ["axes.1.values.0", "axes.1.values.1"], message: "must be at least 2" },
  ]);
});
