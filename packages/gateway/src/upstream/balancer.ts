/** Which target gets the next request: the one with the fewest in flight. */
import type { EjectionConfig } from '../config/sections/upstreams.ts';
import type { Member } from './member.ts';

/** Time and chance, as parameters. */
export interface BalancerDependencies {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** A target is left alone for so long. */
  readonly onEjected: (member: Member, forMs: number) => void;
}

/** Chooses among the targets of one upstream, and takes out those that fail. */
export class Balancer {
  readonly members: readonly Member[];
  readonly #maxOut: number;
  readonly #dependencies: BalancerDependencies;

  constructor(members: readonly Member[], { maxPercent }: EjectionConfig, dependencies: BalancerDependencies) {
    this.members = members;
    this.#maxOut = Math.min(Math.floor((members.length * maxPercent) / 100), members.length - 1);
    this.#dependencies = dependencies;
  }

  /** Whether the active checks say of every target that it is ill. */
  get isDown(): boolean {
    return this.members.every((member) => !member.healthy);
  }

  /** Requests that may be under way at a time: the places of the waiting room. */
  get capacity(): number {
    const [only] = this.members;
    if (this.members.length === 1) return only!.target.capacity;
    let sum = 0;
    for (const member of this.#candidates()) sum += member.target.capacity;
    return sum;
  }

  /** The least busy target; of several one at random. @param except a target that has just failed: only if there is no other */
  choose(except?: Member): Member {
    const [only] = this.members;
    if (this.members.length === 1) return only!;
    const candidates = this.#candidates();
    const others = candidates.filter((member) => member !== except);
    return this.#leastBusy(others.length > 0 ? others : candidates);
  }

  /** A target answered like somebody who is well. */
  succeeded(member: Member): void {
    member.ejection.succeeded();
  }

  /** It gave no answer, or one that says that it cannot. */
  failed(member: Member): void {
    member.failures += 1;
    if (!member.ejection.failed()) return;
    const nowMs = this.#dependencies.now();
    const out = this.members.filter((other) => !other.isUp(nowMs)).length;
    // Those who failed while it was out already do not count twice.
    if (member.ejection.isOut(nowMs) || out >= this.#maxOut) return;
    member.ejections += 1;
    this.#dependencies.onEjected(member, member.ejection.eject(nowMs));
  }

  // All of them when none is up: a check may be wrong about all at once, and a refusal would be wrong for sure.
  #candidates(): readonly Member[] {
    const nowMs = this.#dependencies.now();
    const up = this.members.filter((member) => member.isUp(nowMs));
    return up.length > 0 ? up : this.members;
  }

  // Starts anywhere, so that nobody is first among equals.
  #leastBusy(candidates: readonly Member[]): Member {
    const start = Math.floor(this.#dependencies.random() * candidates.length);
    let best = candidates[start]!;
    for (let step = 1; step < candidates.length; step += 1) {
      const member = candidates[(start + step) % candidates.length]!;
      if (isBetter(member, best)) best = member;
    }
    return best;
  }
}

// One that is full is no choice as long as another one is not.
function isBetter(member: Member, than: Member): boolean {
  if (member.free > 0 !== than.free > 0) return member.free > 0;
  return member.inFlight < than.inFlight;
}
