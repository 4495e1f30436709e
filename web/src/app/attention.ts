/** Brings what a press has opened into view, and the focus to it. */

import { tick } from "svelte";

type Block = "start" | "nearest";

export const attendRun = (id: string): Promise<void> =>
  attend(`article[data-run="${CSS.escape(id)}"]`, "start");

export const attendSweep = (id: string): Promise<void> =>
  attend(`article[data-sweep="${CSS.escape(id)}"]`, "start");

/** Beside the runs the form scrolls by itself: the page is to stay where it is. */
export const attendForm = (): Promise<void> => attend("#form-title", "nearest");

/** Where a card was closed, and the focus with it. */
export async function attendList(): Promise<void> {
  await tick();
  if (document.activeElement !== document.body) return;
  document.getElementById("runs")?.focus({ preventScroll: true });
}

async function attend(selector: string, block: Block): Promise<void> {
  await tick();
  const element = document.querySelector<HTMLElement>(selector);
  if (element === null) return;
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  if (!beginsInView(element)) element.scrollIntoView({ block });
}

/** What lies just above the lower edge is as good as out of sight. */
const LEAST_SEEN = 64;

function beginsInView(element: HTMLElement): boolean {
  const { top } = element.getBoundingClientRect();
  const covered = parseFloat(getComputedStyle(element).scrollMarginTop) || 0;
  return top >= covered && top <= innerHeight - LEAST_SEEN;
}
