/** A server's methods for tests. */

import { partly } from "../api/testing";
import type { Methods, ParameterSchema } from "../api/types";

export const parameter = (declared: Partial<ParameterSchema>) => partly<ParameterSchema>(declared);

const inf_fact = parameter({ type: "float", min: 0 });
const rotate = parameter({ type: "bool" });
const r = parameter({ type: "float", min: 0, unit: "sites" });
const taper = parameter({ type: "str", choices: ["box", "none"] });

export const METHODS: Methods = {
  methods: ["enkf", "letkf"],
  requires_model: ["letkf"],
  defaults: { enkf: { rotate: false }, letkf: { r: 2, taper: "box", rotate: false } },
  schema: { enkf: { inf_fact, rotate }, letkf: { r, taper, inf_fact, rotate } },
  help: {},
  baselines: [],
  references: {},
  refuses: {},
};
