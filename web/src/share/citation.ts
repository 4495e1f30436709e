/** How a run is cited: what computed it, from which seed, and whose methods it used. */

import type { RunRequest, Server } from "../api/types";

export interface Reference {
  method: string;
  text: string;
}

/** Each method once, in the order of the run; methods without a reference are left out. */
export function references(request: RunRequest, known: Readonly<Record<string, string>>): Reference[] {
  const names = [...new Set(request.methods.map(({ name }) => name))];
  return names.flatMap((method) => {
    const text = known[method] ?? "";
    return text === "" ? [] : [{ method, text }];
  });
}

/** A reference in parts, so that its DOIs become links; a DOI may hold brackets and semicolons. */
export function linked(reference: string): { text: string; doi?: string }[] {
  return reference
    .split(/(doi:10\.\S+?(?=[;,.]?(?:\s|$)))/)
    .filter((part) => part !== "")
    .map((text) => (text.startsWith("doi:10.") ? { text, doi: text.slice(4) } : { text }));
}

/** The software, its version, and what it ran on: "LEARN-DA 0.1.0 (jax 0.7.2, on cpu)". */
export function software(server: Server | null): string | null {
  if (server === null) return null;
  const { "learn-da": version, ...others } = server.versions;
  const packages = Object.entries(others).map(([name, number]) => `${name} ${number}`);
  const devices = [...new Set(server.devices.map(({ kind }) => kind))];
  const about = [...packages, ...(devices.length > 0 ? [`on ${devices.join(", ")}`] : [])].join(", ");
  return `LEARN-DA${version === undefined ? "" : ` ${version}`}${about === "" ? "" : ` (${about})`}`;
}

export interface Cited {
  id: string;
  /** Seconds since the epoch. */
  createdAt: number;
  seed: string;
  software: string | null;
  address: string;
  references: readonly Reference[];
}

export function bibtex({ id, createdAt, seed, software, address, references }: Cited): string {
  const day = new Date(createdAt * 1000).toISOString().slice(0, 10);
  const methods = references.map(({ method, text }) => `${method}: ${text}`).join("; ");
  const note = [
    software ?? "LEARN-DA",
    `seed ${seed}`,
    `run ${id}`,
    day,
    ...(methods === "" ? [] : [`methods after ${methods}`]),
  ];
  return `@misc{learnda-${id.slice(0, 8)},
  title        = {Twin experiment ${id.slice(0, 8)} on the {Lorenz-96} model, computed with {LEARN-DA}},
  year         = {${day.slice(0, 4)}},
  howpublished = {\\url{${address}}},
  note         = {${escaped(note.join("; "))}}
}`;
}

/** Text that TeX sets as it is. */
const escaped = (text: string): string =>
  text
    .replace(/[\\{}]/g, "")
    .replace(/[&%$#_]/g, "\\$&")
    .replace(/[<>]/g, "\\ensuremath{$&}");
