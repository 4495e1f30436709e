import { expect, test } from "vitest";

import { METHODS, parameter } from "../experiment/testing";
import { axisLabel, axisName, axisText, cellText, placeText } from "./names";

const named = { ...METHODS, schema: { letkf: { r: parameter({ type: "float", label: "Radius", unit: "sites" }) } } };

test("a setting has the form's name, a parameter the server's, with their units", () => {
  expect(axisName("ensemble_size", "letkf", named)).toBe("Members");
  expect(axisLabel("ensemble_size", "letkf", named)).toBe("Members");
  expect(axisLabel("std_obs", "letkf", named)).toBe("Observation error (std. dev.)");
  expect(axisName("methods.0.params.r", "letkf", named)).toBe("Radius");
  expect(axisLabel("methods.0.params.r", "letkf", named)).toBe("Radius (sites)");
  for (const name of [axisName, axisLabel]) {
    expect(name("methods.0.params.r", "letkf", null)).toBe("r");
    expect(name("methods.0.params.other", "mine", named)).toBe("other");
    expect(name("tomorrow", "letkf", named)).toBe("tomorrow");
  }
});

test("a cell by its values, an axis by all of its", () => {
  expect(cellText(["Radius", "Taper"], [1.25, "box"])).toBe("Radius = 1.25, Taper = box");
  expect(axisText("Radius", { field: "x", values: [1, 1.5, 2] })).toBe("Radius: 1, 1.5, 2");
});

test("what is refused is named as it stands on the form", () => {
  const axes = [
    { field: "ensemble_size", values: [1, 2] },
    { field: "methods.0.params.r", values: [1, 1.5] },
  ];
  const place = (field: string) => placeText(field, axes, "letkf", named);
  expect(place("axes.0.values.0")).toBe("Members = 1");
  expect(place("axes.1.values.1")).toBe("Radius = 1.5");
  expect(place("axes.1.field")).toBe("Radius");
  expect(place("request.std_obs")).toBe(axisName("std_obs", "letkf", named));
  expect(place("axes.2.values")).toBe("axes.2.values");
});
