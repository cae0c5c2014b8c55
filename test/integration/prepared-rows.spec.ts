import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource, QueryRunner } from 'typeorm';
import { openDataSource } from '../../src/database/open-data-source.js';
import { preparedRows } from '../../src/database/prepared-rows.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';

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

  it('run if a pooler uses a prepared connection', async () => {
    await onConnection(async (queryRunner) => {
      await plus(queryRunner, 1, 1);
      const statements = (await queryRunner.query(
        `SELECT name, statement FROM pg_prepared_statements WHERE statement LIKE '%AS sum%'`,
      )) as { name: string; statement: string }[];
      await onConnection(async (other) => {
        for (const { statement } of statements) await other.query(statement);
        expect(await plus(other, 2, 2)).toEqual([{ sum: 4 }]);
      });
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

  it('reject numbers that are not whole', async () => {
    for (const value of [0.5, Number.NaN, [1, undefined as unknown as number]])
      await onConnection((queryRunner) =>
        expect(preparedRows(queryRunner, BEGIN, 'SELECT $1::int AS one', [value])).rejects.toThrow(TypeError),
      );
  });
});
