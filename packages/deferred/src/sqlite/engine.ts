/** What a SQLite queue does, in transactions over an open file. */
import { accept, forgetOutcomes } from './accepting.ts';
import { claim, extend, release, settle } from './claiming.ts';
import type { Context, EngineSettings } from './context.ts';
import { dead, purge, replay } from './dead-letters.ts';
import { type QueueFile, inTransaction, openQueueFile } from './file.ts';
import { Ledger } from './ledger.ts';
import { type Batch, type OperationName, type Operations, type Question, READS } from './operations.ts';
import { Rows } from './rows.ts';
import { stats, status } from './telling.ts';

/** How long the thread of the queue waits for another process that writes. */
const BUSY_TIMEOUT_MS = 5000;
/** Outcomes forgotten with each transaction; more than can be added by the way. */
const MOST_FORGOTTEN = 64;

type Answering = {
  readonly [Name in OperationName]: (context: Context, ask: Operations[Name]['ask']) => Operations[Name]['answer'];
};

const ANSWERING: Answering = { accept, claim, extend, settle, release, status, stats, dead, replay, purge };

/** An open queue. */
export class QueueEngine {
  readonly #settings: EngineSettings;
  readonly #file: QueueFile;
  readonly #ledger: Ledger;
  readonly #rows: Rows;

  /** @throws what node:sqlite throws; WatchwordError `config_invalid` for a file that is not a queue */
  constructor(settings: EngineSettings) {
    this.#settings = settings;
    this.#file = openQueueFile(settings.path, BUSY_TIMEOUT_MS);
    this.#ledger = new Ledger(this.#file.database);
    this.#rows = new Rows(this.#file.database, this.#ledger);
  }

  isInPlace(): boolean {
    return this.#file.isInPlace();
  }

  /** Answers all questions in one transaction, durable on return. @throws what node:sqlite throws; then nothing was done */
  run({ nowMs, questions }: Batch): readonly unknown[] {
    const context: Context = { settings: this.#settings, ledger: this.#ledger, rows: this.#rows, nowMs };
    this.#ledger.forget();
    const isReading = questions.every(({ name }) => READS.has(name));
    return inTransaction(this.#file.database, isReading ? 'DEFERRED' : 'IMMEDIATE', () => {
      const answers = questions.map((question) => answerTo(question, context));
      if (!isReading) {
        forgetOutcomes(context, MOST_FORGOTTEN + 2 * questions.length);
        this.#ledger.save(nowMs);
      }
      return answers;
    });
  }

  close(): void {
    this.#file.database.close();
  }
}

// Name and question belong together, which the compiler cannot see through the table.
function answerTo({ name, ask }: Question, context: Context): unknown {
  return (ANSWERING[name] as (context: Context, ask: unknown) => unknown)(context, ask);
}
