/**
 * Whether the page is let in. What the server refuses for want of a token waits here until there is
 * a session; a session that begins or ends in one tab does so in all.
 */

import { ApiError, getSession, onTokenNeeded, signIn, signOut } from "../api/client";
import { t } from "../i18n";

class SessionState {
  /** The server waits for a token. */
  asking = $state(false);
  /** Of the token; null where the page is not signed in. */
  name = $state<string | null>(null);
  /** What the server said against the token. */
  error = $state("");
  busy = $state(false);

  private waiting: (() => void)[] = [];
  private readonly tabs = new BroadcastChannel("learn-da.session");

  constructor() {
    onTokenNeeded(() => this.admitted());
    this.tabs.onmessage = ({ data }: MessageEvent<"in" | "out">) =>
      data === "in" ? this.load() : location.reload();
  }

  /** Learn whose session it is; those who wait go on where there is one. */
  async load(): Promise<void> {
    const found = await getSession().catch(() => null);
    if (found === null) return;
    this.name = found.name;
    if (found.token_needed && !found.session) this.asking = true;
    else this.admit();
  }

  /** Resolves once the page is let in. */
  admitted(): Promise<void> {
    this.asking = true;
    this.name = null;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async enter(token: string): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      this.name = (await signIn(token.trim())).name;
      this.tabs.postMessage("in");
      this.admit();
    } catch (error) {
      this.error = said(error);
    } finally {
      this.busy = false;
    }
  }

  /** Forget the session, and all that the page shows by it. */
  async leave(): Promise<void> {
    const left = await signOut().then(
      () => true,
      () => false,
    );
    if (!left) return;
    this.tabs.postMessage("out");
    location.assign("/");
  }

  private admit(): void {
    this.asking = false;
    this.error = "";
    for (const goOn of this.waiting.splice(0)) goOn();
  }
}

function said(error: unknown): string {
  if (!(error instanceof ApiError)) return t("app.failed");
  return error.problem.errors?.[0] === undefined ? error.message : t("signIn.refused");
}

export const session = new SessionState();
