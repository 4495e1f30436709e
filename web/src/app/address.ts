/**
 * The page's address. `?run=ID&run=ID&sweep=ID` are the open runs and sweeps; the fragment
 * `#/NAME?...` is the view, and carries in `about=` what keeps its meaning when they are gone:
 * requests, what of them is varied, and how they are looked at.
 * The server never sees the fragment, so that it may be long.
 */

import { pack, unpack } from "./packing";
import { isAbout, type About } from "./about";

export type Opened = "run" | "sweep";

export function openIds(search: string, kind: Opened = "run"): string[] {
  return [...new Set(new URLSearchParams(search).getAll(kind))];
}

export function withOpenIds(href: string, ids: readonly string[], kind: Opened = "run"): string {
  const url = new URL(href);
  url.searchParams.delete(kind);
  for (const id of ids) url.searchParams.append(kind, id);
  return url.href;
}

export interface Route {
  /** Empty for the runs. */
  name: string;
  params: URLSearchParams;
}

/** null for a fragment that names a place on the page rather than a view. */
export function routeOf(hash: string): Route | null {
  const found = /^#\/([\w-]*)(?:\?(.*))?$/.exec(hash);
  if (found !== null) return { name: found[1]!, params: new URLSearchParams(found[2] ?? "") };
  return hash === "" || hash === "#" ? { name: "", params: new URLSearchParams() } : null;
}

export function hashOf({ name, params }: Route): string {
  const query = params.toString();
  if (query === "") return name === "" ? "" : `#/${name}`;
  return `#/${name}?${query}`;
}

export const compareHash = (ids: readonly string[]): string =>
  hashOf({ name: "compare", params: new URLSearchParams(ids.map((id) => ["run", id])) });

/** The runs of a comparison; null where the view is another one. */
export const comparedIds = (route: Route): string[] | null =>
  route.name === "compare" ? [...new Set(route.params.getAll("run"))] : null;

/** The same view, with what is known about its runs and sweeps. */
export async function withAbout(hash: string, about: About): Promise<string> {
  const route = routeOf(hash) ?? { name: "", params: new URLSearchParams() };
  const params = new URLSearchParams(route.params);
  params.delete("about");
  if (Object.keys(about).length > 0) params.set("about", await pack(about));
  return hashOf({ ...route, params });
}

/** What an address tells about its runs and sweeps: nothing where it was cut or made up. */
export async function aboutOf(hash: string): Promise<About> {
  const packed = routeOf(hash)?.params.get("about") ?? "";
  const value = packed === "" ? {} : await unpack(packed);
  return isAbout(value) ? value : {};
}
