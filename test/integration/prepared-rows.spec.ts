import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg, { type ClientBase } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { openDataSource } from '../../src/database/open-data-source.js';
import { preparedRows, textLiteral } from '../../src/database/prepared-rows.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';

const escapeLiteral = (text: string) => pg.Client.prototype.escapeLiteral(text);
const BEGIN = 'BEGIN; SET LOCAL jit = off';

describe('prepared rows', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    dataSource = await openDataSource({ url: database.url, poolSize: 10 });
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  async function onConnection<T>(work: (queryRunner: QueryRunner) => Promise<T>): Promise<T> {
    const queryRunner = dataSource.createQueryRunner();
    try {
      return await work(queryRunner);
    } finally {
      await queryRunner.release();
    }
  }

  const plus = (queryRunner: QueryRunner, one: number, other: number) =>
    preparedRows<{ sum: number }>(queryRunner, BEGIN, 'SELECT $1::int + $2::int AS sum', [one, other]);

  const executions = (queryRunner: QueryRunner) =>
    queryRunner.query(
      `SELECT generic_plans::int AS generic, custom_plans::int AS custom FROM pg_prepared_statements
       WHERE name LIKE 'service_callbacks%' AND statement LIKE '%AS sum%'`,
    ) as Promise<{ generic: number; custom: number }[]>;

  it('take whole numbers and lists of them, and run under the given settings', async () => {
    const read = await onConnection((queryRunner) =>
      preparedRows(
        queryRunner,
        BEGIN,
        `SELECT $1::bigint AS large, n, $3::int AS third, current_setting('jit') AS jit
         FROM unnest($2::int[]) AS u (n)`,
        [7_364_120_021, [1, -2], 3],
      ),
    );
    expect(read).toEqual([
      { large: 7_364_120_021, n: 1, third: 3, jit: 'off' },
      { large: 7_364_120_021, n: -2, third: 3, jit: 'off' },
    ]);
  });

  it('are planned once for each connection', async () => {
    await onConnection(async (queryRunner) => {
      for (let one = 0; one < 3; one += 1)
        expect(await plus(queryRunner, one, 1)).toEqual([{ sum: one + 1 }]);
      expect(await executions(queryRunner)).toEqual([{ generic: 3, custom: 0 }]);
    });
  });

  it('are prepared again if a pooler uses an unprepared connection', async () => {
    await onConnection(async (queryRunner) => {
      await plus(queryRunner, 1, 1);
      await queryRunner.query('DEALLOCATE ALL');
      expect(await plus(queryRunner, 1, 2)).toEqual([{ sum: 3 }]);
      expect(await executions(queryRunner)).toHaveLength(1);
    });
  });

  it('run if each transaction gets the other one of two connections of a pooler', async () => {
    await onConnection((one) =>
      onConnection(async (other) => {
        const servers = [one, other];
        const pooled = {
          query: (text: string) => {
            if (text.startsWith('BEGIN')) servers.reverse();
            return (servers[0] as QueryRunner).connect().then((client: ClientBase) => client.query(text));
          },
        };
        const client = { connect: () => Promise.resolve(pooled) } as unknown as QueryRunner;
        for (let second = 1; second <= 5; second += 1)
          expect(await plus(client, 1, second)).toEqual([{ sum: 1 + second }]);
      }),
    );
  });

  it('leave no value in what the server keeps', async () => {
    await onConnection(async (queryRunner) => {
      await preparedRows(queryRunner, BEGIN, 'SELECT $1::text AS kept', ['a private value']);
      const kept: unknown = await queryRunner.query(
        `SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%AS kept%'`,
      );
      expect(kept).toHaveLength(1);
      expect(JSON.stringify(kept)).not.toContain('private');
    });
  });

  it('leave no transaction open after an error', async () => {
    await onConnection(async (queryRunner) => {
      const failing = preparedRows(queryRunner, BEGIN, 'SELECT 1 / $1::int AS one', [0]);
      await expect(failing).rejects.toMatchObject({ code: '22012' });
      expect(await queryRunner.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  });

  it.each(['on', 'off'])(
    'take any text as it is, with standard_conforming_strings = %s',
    async (conforming) => {
      const texts = [`'); DROP TABLE counters; --`, String.raw`\'; SELECT 1 --`, String.raw`\\ \n $1 $$ :x`];
      const begin = `SET standard_conforming_strings = ${conforming}; ${BEGIN}`;
      await onConnection(async (queryRunner) => {
        for (const text of texts)
          expect(await preparedRows(queryRunner, begin, 'SELECT $1::text AS text', [text])).toEqual([
            { text },
          ]);
        await queryRunner.query('RESET standard_conforming_strings');
      });
    },
  );

  it('escape a text as the driver does', () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom("'", '\\'), fc.string({ minLength: 1 })) });
    fc.assert(
      fc.property(text, (any) => {
        expect(textLiteral(any)).toBe(escapeLiteral(any));
      }),
    );
  });

  it('reject numbers that are not whole', async () => {
    for (const value of [0.5, Number.NaN, [1, undefined as unknown as number]])
      await onConnection((queryRunner) =>
        expect(preparedRows(queryRunner, BEGIN, 'SELECT $1::int AS one', [value])).rejects.toThrow(TypeError),
      );
  });
});
