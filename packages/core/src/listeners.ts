/** Those who want to hear of something, and can't harm it. */

/** A list of listeners. */
export class Listeners<Event> {
  readonly #listeners = new Set<{ readonly tell: (event: Event) => void }>();

  /** Adds one. The same function added twice is told twice. @returns what ends it */
  add(tell: (event: Event) => void): () => void {
    const listener = { tell };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells everybody. One that throws neither stops the others nor whatever there was to tell of. */
  tell(event: Event): void {
    for (const { tell } of this.#listeners) {
      try {
        tell(event);
      } catch {}
    }
  }
}
