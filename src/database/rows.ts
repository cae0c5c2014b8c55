import type { DataSource, EntityManager } from 'typeorm';
import { retryConflicts } from './conflicts.js';

/** Columns of a row that hold a time. */
type TimeColumn<Row> = { [Column in keyof Row]: Date extends Row[Column] ? Column : never }[keyof Row];

/**
 * Runs a statement and reads its rows as one JSON text each. Neither a host's `pg` type parsers nor the database's
 * `DateStyle`, `IntervalStyle` and `TimeZone` change what is read: a `timestamptz` is ISO 8601, `int8` and `numeric`
 * are numbers, `json` is a value, arrays are arrays. Convert `bytea`, `interval` and `real` in the statement.
 *
 * A statement that begins with WITH names its rows `result`, because PostgreSQL allows no writing WITH in another:
 * `WITH taken AS (UPDATE … RETURNING …), result AS (SELECT … FROM taken)`.
 *
 * @param connection on a `DataSource`, the statement is its own transaction and is repeated after a conflict; on the
 * manager of a transaction, its owner repeats it
 * @param times columns that are read as a `Date`, all of type `timestamptz`
 */
export async function rows<Row extends object>(
  connection: DataSource | EntityManager,
  statement: string,
  parameters: readonly unknown[] = [],
  times: readonly TimeColumn<Row>[] = [],
): Promise<Row[]> {
  const found = await run(connection, asJson(statement), [...parameters]);
  return found.map(({ row }) => withTimes(JSON.parse(row) as Row, times));
}

/** One column, `row`. */
export function asJson(statement: string): string {
  const named = /^\s*WITH\b/i.test(statement) ? statement : `WITH result AS (${statement})`;
  return `${named} SELECT row_to_json(result)::text AS row FROM result`;
}

function run(
  connection: DataSource | EntityManager,
  statement: string,
  parameters: unknown[],
): Promise<{ row: string }[]> {
  const manager = 'manager' in connection ? connection.manager : connection;
  if (manager.queryRunner) return manager.query(statement, parameters);
  return retryConflicts((isolation) =>
    isolation
      ? manager.transaction(isolation, (own) => own.query(statement, parameters))
      : manager.query(statement, parameters),
  );
}

function withTimes<Row extends object>(row: Row, times: readonly TimeColumn<Row>[]): Row {
  for (const column of times) {
    const value: unknown = row[column];
    if (typeof value === 'string') Object.assign(row, { [column]: new Date(value) });
  }
  return row;
}
