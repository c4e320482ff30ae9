/** One action at a time: whoever is content with the one under way shares it, everybody else waits for a turn. */

export class Turns {
  readonly #ended: () => void;
  #flight: Promise<void> | undefined;

  /** @param ended is called after each action, before those who wait for it go on */
  constructor(ended: () => void) {
    this.#ended = ended;
  }

  /** What is under way; `action`, if nothing is. */
  share(action: () => Promise<void>): Promise<void> {
    return this.#flight ?? this.#fly(action);
  }

  /** `action`, once nothing else is under way. */
  async take(action: () => Promise<void>): Promise<void> {
    while (this.#flight !== undefined) await this.#flight.catch(() => {});
    await this.#fly(action);
  }

  /** Resolves when what is under way now has ended, in whatever way. */
  async current(): Promise<void> {
    await this.#flight?.catch(() => {});
  }

  // It is over here, not at the end of the action, which may end before it returns: whoever waits for it would wait for ever.
  #fly(action: () => Promise<void>): Promise<void> {
    return (this.#flight = action().finally(() => {
      this.#flight = undefined;
      this.#ended();
    }));
  }
}
