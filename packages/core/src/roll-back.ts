/** The end of a transaction of SQLite that failed. */

/** Undoes what is open. Never throws: after some errors SQLite has rolled back already, and a closed database has nothing open. */
export function rollBack(database: { exec(sql: string): void }): void {
  try {
    database.exec('ROLLBACK');
  } catch {}
}
