/** All processes of the mesh: started together, ended together, and none of them dies unnoticed. */
import { Child, type ChildSpec } from './child.ts';

/** The processes that were started and not ended. */
export class Fleet {
  /** Rejects when a process dies by itself, with its name and last output; pending otherwise. */
  readonly broken: Promise<never>;
  readonly #children = new Set<Child>();
  #break!: (error: Error) => void;
  #closed = false;

  constructor() {
    this.broken = new Promise((_, reject) => {
      this.#break = reject;
    });
    this.broken.catch(() => {});
  }

  /** Starts a process and waits until it is ready. */
  async start(spec: ChildSpec): Promise<Child> {
    if (this.#closed) throw new Error('The mesh is shutting down');
    const child = new Child(spec);
    this.#children.add(child);
    void child.ended.then(() => this.#report(child));
    await child.ready();
    return child;
  }

  /** Ends some of the processes. */
  async stop(children: Iterable<Child>): Promise<void> {
    const chosen = [...children];
    for (const child of chosen) this.#children.delete(child);
    await Promise.all(chosen.map((child) => child.stop()));
  }

  /** Ends all processes, also those that are still starting. May be called again. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.stop(this.#children);
  }

  #report(child: Child): void {
    // Whoever is told to stop is taken off the list first.
    if (this.#children.delete(child)) this.#break(new Error(child.obituary));
  }
}
