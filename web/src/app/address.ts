/** The open runs in the page's address: `?run=ID&run=ID`. */

export function openIds(search: string): string[] {
  return [...new Set(new URLSearchParams(search).getAll("run"))];
}

export function withOpenIds(href: string, ids: readonly string[]): string {
  const url = new URL(href);
  url.searchParams.delete("run");
  for (const id of ids) url.searchParams.append("run", id);
  return url.href;
}
