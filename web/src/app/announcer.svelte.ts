/** One sentence at a time for screen readers; `Announcer.svelte` holds the live region. */

class Announcer {
  sentence = $state("");

  say(sentence: string): void {
    this.sentence = sentence;
  }
}

export const announcer = new Announcer();
