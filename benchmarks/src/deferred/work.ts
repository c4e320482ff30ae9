/** What the parent and the two processes of `npm run bench:deferred` say to each other. */

/** What a process needs before its first turn. */
export interface Preparation {
  readonly tokenFile: string;
  readonly kid: string;
  readonly pem: string;
  /** Of the queue; only who accepts has one. */
  readonly queueFile: string;
}

/** One turn: every token once. */
export interface Turn {
  /** Requests accepted, or tokens verified. */
  readonly count: number;
  /** Processor time of the whole process for one of them, in microseconds: its threads and the system's work for it included. */
  readonly cpuUs: number;
  /** Of it, that of the thread which serves clients. */
  readonly mainUs: number;
  readonly perSecond: number;
}
