import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import type { QueryRunner } from 'typeorm';
import { asJson } from './rows.js';

/** A text, a whole number, or a list of whole numbers. */
export type Value = string | number | readonly number[];

const NO_SUCH_STATEMENT = '26000';
const STATEMENT_EXISTS = '42P05';
/** Behind a pooler, each try may use another connection of the server. */
const TRIES = 5;

/** The statements that a connection is known to have prepared. Behind a pooler it may have fewer, or more. */
const prepared = new WeakMap<ClientBase, Set<string>>();

/**
 * Runs a statement as a transaction in one round trip, with a plan that PostgreSQL keeps: planning a large statement
 * can take longer than running it. The transaction is one text, so a transaction pooler sends all of it to one
 * connection of the server. It has no parameters, so the values are literals in it.
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
  const execute = `EXECUTE ${name}${values.length > 0 ? `(${values.map((value) => literal(client, value)).join(', ')})` : ''}; COMMIT`;
  const known = prepared.get(client) ?? new Set();
  prepared.set(client, known);
  for (let tries = 1; ; tries += 1) {
    try {
      const prepare = known.has(name) ? '' : `PREPARE ${name} AS ${text};`;
      const results: unknown = await client.query(
        `${begin}; SET LOCAL plan_cache_mode = force_generic_plan; ${prepare} ${execute}`,
      );
      known.add(name);
      return (results as { rows: { row: string }[] }[])
        .at(-2)
        ?.rows.map(({ row }) => JSON.parse(row) as Row) as Row[];
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      const { code } = error as { code?: unknown };
      if (tries === TRIES || (code !== NO_SUCH_STATEMENT && code !== STATEMENT_EXISTS)) throw error;
      if (code === STATEMENT_EXISTS) known.add(name);
      else known.delete(name);
    }
  }
}

function literal(client: ClientBase, value: Value): string {
  if (typeof value === 'string') return client.escapeLiteral(value);
  const numbers = [value].flat();
  if (!numbers.every((number) => Number.isSafeInteger(number))) throw new TypeError('Not a whole number');
  return Array.isArray(value) ? `'{${numbers.join()}}'` : String(value);
}
