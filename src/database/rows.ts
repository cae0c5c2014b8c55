import type { ClientBase } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { retryConflicts } from './conflicts.js';

/** Columns of a row that hold a time. */
type TimeColumn<Row> = { [Column in keyof Row]: Date extends Row[Column] ? Column : never }[keyof Row];

/**
 * Runs a statement and reads its rows as one JSON text each. Neither a host's `pg` type parsers nor the database's
 * `DateStyle`, `IntervalStyle` and `TimeZone` change what is read: a `timestamptz` is ISO 8601, `int8` and `numeric`
 * are numbers, `json` is a value, arrays are arrays. Not so `bytea`, `interval` and `real`: convert them in the
 * statement.
 *
 * A statement that begins with WITH names its rows `result`, because PostgreSQL allows no writing WITH in another:
 * `WITH taken AS (UPDATE … RETURNING …), result AS (SELECT … FROM taken)`.
 *
 * @param connection on a `DataSource` the statement is its own transaction and is repeated after a conflict; on the
 *   manager of a transaction a conflict is its owner's to repeat.
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

/**
 * Runs a statement as a transaction in one round trip. PostgreSQL takes no parameters where several statements are sent
 * together: these are whole numbers, and are written into the text.
 * @param begin the statements before it
 */
export async function rowsInOneRoundTrip<Row extends object>(
  queryRunner: QueryRunner,
  begin: string,
  statement: string,
  numbers: readonly (number | readonly number[])[],
): Promise<Row[]> {
  const client = (await queryRunner.connect()) as ClientBase;
  const text = asJson(statement).replaceAll(/\$(\d+)/g, (_, place) => literal(numbers[Number(place) - 1]));
  try {
    const results = (await client.query(`${begin}; ${text}; COMMIT`)) as unknown as {
      rows: { row: string }[];
    }[];
    return results.at(-2)?.rows.map(({ row }) => JSON.parse(row) as Row) ?? [];
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function literal(value: number | readonly number[] | undefined): string {
  const numbers = [value].flat();
  if (!numbers.every((number) => Number.isSafeInteger(number))) throw new TypeError('Not a whole number');
  return Array.isArray(value) ? `'{${numbers.join()}}'` : String(value);
}

function asJson(statement: string): string {
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
