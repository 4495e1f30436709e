/** The view that the address names, and the one place that writes the address. */

import type { About } from "./about";
import { aboutOf, routeOf, withAbout, withOpenIds, type Opened, type Route } from "./address";

class Router {
  route = $state.raw<Route>(routeOf(location.hash) ?? { name: "", params: new URLSearchParams() });
  /** What the address told of its runs and sweeps when it was opened. */
  told: Promise<About> = aboutOf(location.hash);
  /** Counts writings: only the last one counts. */
  private writing = 0;

  constructor() {
    addEventListener("hashchange", () => this.moved());
  }

  /** To another view, which Back leaves again. */
  go(hash: string): void {
    location.hash = hash === "" ? "#/" : hash;
  }

  setOpenIds(ids: readonly string[], kind: Opened = "run"): void {
    replace(withOpenIds(location.href, ids, kind));
  }

  async setAbout(about: About): Promise<void> {
    this.writing += 1;
    const [writing, { route }] = [this.writing, this];
    const hash = await withAbout(routeHash(route), about);
    if (writing !== this.writing || route !== this.route) return;
    const url = new URL(location.href);
    url.hash = hash;
    replace(url.href);
  }

  private moved(): void {
    const route = routeOf(location.hash);
    if (route === null) return; // a place on the page
    this.told = aboutOf(location.hash);
    this.route = route;
  }
}

const routeHash = ({ name, params }: Route): string => `#/${name}?${params}`;

function replace(href: string): void {
  if (href !== location.href) history.replaceState(null, "", href);
}

export const router = new Router();
