/** A server's methods for tests. */

import type { Methods } from "../api/types";

const inf_fact = { type: "float", min: 0 } as const;
const rotate = { type: "bool" } as const;
const r = { type: "float", min: 0, unit: "sites" } as const;
const taper = { type: "str", choices: ["box", "none"] } as { type: "str"; choices: string[] };

export const METHODS: Methods = {
  methods: ["enkf", "letkf"],
  requires_model: ["letkf"],
  defaults: { enkf: { rotate: false }, letkf: { r: 2, taper: "box", rotate: false } },
  schema: { enkf: { inf_fact, rotate }, letkf: { r, taper, inf_fact, rotate } },
  help: {},
};
