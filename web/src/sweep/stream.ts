/** The news of a sweep's cells, for as long as there are any. */

import { parseCell, type CellUpdate } from "../stream/events";

/** The part of an `EventSource` that is used. */
export interface Source {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface SweepListener {
  cell(news: CellUpdate): void;
  /** All cells are over. */
  done(): void;
  /** The server gave no stream: it wants a token, does not know the sweep, or cannot now. */
  refused(): void;
}

/** That of `EventSource`, which tests do not have. */
const CLOSED = 2;

/**
 * Follow the stream at this address; what is returned closes it. A connection that is lost is taken
 * up again by the browser, from where it was.
 */
export function followSweep(
  url: string,
  listener: SweepListener,
  open: (url: string) => Source = (address) => new EventSource(address),
): () => void {
  const source = open(url);
  source.addEventListener("cell", ({ data }) => listener.cell(parseCell(data)));
  source.addEventListener("done", () => {
    source.close(); // it would be opened anew
    listener.done();
  });
  source.addEventListener("error", () => {
    if (source.readyState === CLOSED) listener.refused(); // by the status: nothing comes any more
  });
  return () => source.close();
}
