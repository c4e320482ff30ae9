/** An issuer with a key, a server for its lists, and a clock that a test moves. */
import { createLocalKeys } from '../../../src/keys/local-keys.ts';
import type { LocalKeys } from '../../../src/keys/local-keys.ts';
import {
  type StatusLists,
  type StatusListsOptions,
  createStatusLists,
} from '../../../src/revocation/status-list/status-lists.ts';
import {
  type StatusListVerifierOptions,
  createStatusListVerifier,
} from '../../../src/revocation/status-list/status-list-verifier.ts';
import { createVerifier } from '../../../src/verify/create-verifier.ts';
import type { Verifier } from '../../../src/verify/verifier.ts';
import { testKey } from '../../support/keys.ts';
import {
  type ListParts,
  ListServer,
  claimsWithStatus,
  encodeStatusList,
  listing,
  makeListToken,
} from '../../support/status-lists.ts';
import { ISSUER, type Members, NOW, issuerPolicy, makeToken } from '../../support/tokens.ts';
import { ManualSchedule } from '../manual-schedule.ts';

export const tokenKey = testKey('ES256', 'key-1');
export const listKey = testKey('ES256', 'list-key');

export class StatusWorld {
  readonly server: ListServer;
  readonly time = new ManualSchedule(NOW * 1000);
  readonly keys: LocalKeys = createLocalKeys({ issuer: ISSUER, keys: [listKey.material] });
  readonly plain: Verifier = createVerifier({ issuers: [issuerPolicy(tokenKey)], clock: this.time.clock });

  private constructor(server: ListServer) {
    this.server = server;
  }

  static async start(): Promise<StatusWorld> {
    return new StatusWorld(await ListServer.start());
  }

  /** Where the list of most tests stands. */
  get uri(): string {
    return `${this.server.origin}/lists/1`;
  }

  /** Statuses 0 VALID, 1 INVALID, 2 SUSPENDED, 3 application-specific, 4 VALID. */
  list(parts: ListParts = {}, statuses: readonly number[] = [0, 1, 2, 3, 0]): string {
    return makeListToken(listKey, this.uri, encodeStatusList(statuses, 2), parts);
  }

  serve(text: string = this.list()): void {
    this.server.behaviour = listing(text);
  }

  lists(changes: Partial<StatusListsOptions> = {}): StatusLists {
    return createStatusLists({
      issuer: ISSUER,
      keys: this.keys,
      algorithms: ['ES256'],
      uris: [`${this.server.origin}/lists/`],
      allowInsecure: true,
      timeoutMs: 300,
      clock: this.time.clock,
      schedule: this.time.schedule,
      random: () => 0.5,
      ...changes,
    });
  }

  verifier(lists: StatusLists = this.lists(), options: StatusListVerifierOptions = {}): Verifier {
    return createStatusListVerifier(this.plain, lists, options);
  }

  /** A good access token whose status stands at an index of a list. */
  token(idx: unknown, uri: unknown = this.uri, changes: Members = {}): string {
    return makeToken(tokenKey, { payload: claimsWithStatus(uri, idx, { exp: NOW + 1_000_000, ...changes }) });
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
