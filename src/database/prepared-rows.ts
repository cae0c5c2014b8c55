import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import type { QueryRunner } from 'typeorm';
import { asJson } from './rows.js';

/** A text, a whole number, or a list of whole numbers. */
export type Value = string | number | readonly number[];

const NO_SUCH_STATEMENT = '26000';

/** The statements that a connection has run. Behind a pooler, the server's connection may lack them. */
const prepared = new WeakMap<ClientBase, Set<string>>();

/**
 * Runs a statement as a transaction in one round trip, with a plan that PostgreSQL keeps: planning a large statement
 * can take longer than running it. The transaction is one text, so a transaction pooler sends all of it to one
 * connection of the server. It has no parameters, so the values are literals in it.
 * @param queryRunner in no transaction, and used by nothing else meanwhile
 * @param begin the statements before it; it is planned under their settings
 * @throws TypeError if a number is not whole
 */
export async function preparedRows<Row extends object>(
  queryRunner: QueryRunner,
  begin: string,
  statement: string,
  values: readonly Value[],
): Promise<Row[]> {
  const client = (await queryRunner.connect()) as ClientBase;
  const text = asJson(statement);
  // The name depends on the text: another release has another name.
  const name = `service_callbacks_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  const execute = `EXECUTE ${name}${values.length > 0 ? `(${values.map(literal).join(', ')})` : ''}`;
  const run = async (prepare: string): Promise<Row[]> => {
    try {
      const results: unknown = await client.query(
        `${begin}; SET LOCAL plan_cache_mode = force_generic_plan; ${prepare}${execute}; COMMIT`,
      );
      // The last result is that of COMMIT.
      const executed = (results as { rows: { row: string }[] }[]).at(-2);
      return executed?.rows.map(({ row }) => JSON.parse(row) as Row) as Row[];
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  };
  const known = prepared.get(client) ?? new Set();
  prepared.set(client, known);
  if (known.has(name))
    try {
      return await run('');
    } catch (error) {
      if ((error as { code?: unknown }).code !== NO_SUCH_STATEMENT) throw error;
    }
  const rows = await run(prepareOnce(name, text));
  known.add(name);
  return rows;
}

/** Prepares a statement unless this connection of the server has it. No value becomes part of what the server keeps. */
function prepareOnce(name: string, text: string): string {
  return `DO $once$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_prepared_statements WHERE name = '${name}') THEN
      EXECUTE $statement$PREPARE ${name} AS ${text}$statement$;
    END IF;
  END $once$; `;
}

function literal(value: Value): string {
  if (typeof value === 'string') return textLiteral(value);
  const numbers = [value].flat();
  if (!numbers.every((number) => Number.isSafeInteger(number))) throw new TypeError('Not a whole number');
  return Array.isArray(value) ? `'{${numbers.join()}}'` : String(value);
}

/**
 * Equal to `escapeLiteral` of `pg`, which appends each character: milliseconds for a large settlement. A text with a
 * backslash is an escape string (PostgreSQL manual, 4.1.2.2), which no setting changes.
 */
export function textLiteral(text: string): string {
  return text.includes('\\')
    ? ` E'${text.replaceAll(/['\\]/g, (character) => character + character)}'`
    : `'${text.replaceAll("'", "''")}'`;
}
