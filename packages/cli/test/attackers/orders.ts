/** What processes that attack are told and tell, and their side of it. */
import process from 'node:process';

/** Where it attacks, and with what. */
export interface ResetOrder {
  readonly port: number;
  readonly resets: number;
  readonly perSecond: number;
  /** Ends by then, whatever has been sent. */
  readonly limitMs: number;
}

export interface ResetReport {
  readonly sent: number;
  readonly connections: number;
  /** Connections that the other side closed. */
  readonly closed: number;
  /** Of those, told ENHANCE_YOUR_CALM. */
  readonly calm: number;
}

export interface SlowOrder {
  readonly port: number;
  /** How many are kept open; 0: all are let go of. */
  readonly sockets: number;
}

export interface FrameOrder {
  readonly port: number;
  /** Whether to come from many addresses: most of them have not been asked for calm. */
  readonly anyAddress: boolean;
  readonly frames: number;
  readonly seed: number;
  /** A good token, as the field says it. */
  readonly authorization: string;
  readonly limitMs: number;
}

export interface FrameReport {
  readonly frames: number;
  readonly connections: number;
}

/** The child's side. */
export function attackOnOrder<Order, Report>(attack: (order: Order) => Promise<Report>): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (order: Order) => void attack(order).then((report) => process.send!(report)));
}
