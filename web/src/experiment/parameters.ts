/** What the form knows of parameters beyond their declarations. */

/** With taper none there is no localisation, and a radius is refused. */
export const isSent = (key: string, params: Readonly<Record<string, unknown>>): boolean =>
  !(key === "r" && params["taper"] === "none");
