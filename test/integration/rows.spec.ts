import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { inTransaction } from '../../src/database/conflicts.js';
import { openDataSource } from '../../src/database/open-data-source.js';
import { rows } from '../../src/database/rows.js';
import { isStoreFault } from '../../src/database/store-fault.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { readEverythingAsText } from '../support/type-parsers.js';

const VALUES = `
  SELECT '2024-02-03 04:05:06.789012+00'::timestamptz AS at, NULL::timestamptz AS never,
    9007199254740991::int8 AS big, 1.5::numeric AS fraction, true AS flag, '{"a": [1, null]}'::jsonb AS document,
    '{"b": "c"}'::json AS text_document, ARRAY['x', 'y,"z'] AS texts, 7 AS small, NULL AS nothing,
    'a7c1b2d3-0000-4000-8000-000000000001'::uuid AS id, 0.1::float8 AS double, 'ü\t"' AS name`;

interface Values {
  readonly at: Date;
  readonly never: Date | null;
}

const EXPECTED = {
  at: new Date('2024-02-03T04:05:06.789Z'),
  never: null,
  big: 9007199254740991,
  fraction: 1.5,
  flag: true,
  document: { a: [1, null] },
  text_document: { b: 'c' },
  texts: ['x', 'y,"z'],
  small: 7,
  nothing: null,
  id: 'a7c1b2d3-0000-4000-8000-000000000001',
  double: 0.1,
  name: 'ü\t"',
};

describe('rows', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let restoreParsers = () => undefined as void;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    dataSource = await openDataSource({ url: database.url, poolSize: 10 });
    await dataSource.query('CREATE TABLE counters (id integer PRIMARY KEY, value integer NOT NULL)');
    await dataSource.query('INSERT INTO counters VALUES (1, 0), (2, 0)');
  });

  afterEach(() => restoreParsers());

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  it('reads every type', async () => {
    expect(await rows<Values>(dataSource, VALUES, [], ['at', 'never'])).toEqual([EXPECTED]);
  });

  it('reads the same whatever parsers the host has given pg', async () => {
    restoreParsers = readEverythingAsText();
    expect(await rows<Values>(dataSource, VALUES, [], ['at', 'never'])).toEqual([EXPECTED]);
  });

  it.each(['German', 'SQL, DMY', 'Postgres, YMD'])('reads the same with DateStyle %s', async (style) => {
    await dataSource.transaction(async (manager) => {
      await manager.query(`SET LOCAL DateStyle = '${style}'; SET LOCAL TimeZone = 'Asia/Kathmandu'`);
      expect(await rows<Values>(manager, VALUES, [], ['at', 'never'])).toEqual([EXPECTED]);
    });
  });

  it('keeps the order of a SELECT', async () => {
    const statement = 'SELECT n FROM generate_series(1, 2000) n ORDER BY n % 7, n DESC';
    const numbers = (await rows<{ n: number }>(dataSource, statement)).map(({ n }) => n);
    expect(numbers).toEqual([...numbers].toSorted((a, b) => (a % 7) - (b % 7) || b - a));
  });

  it('reads what a writing statement returns', async () => {
    const statement = 'UPDATE counters SET value = value WHERE id = $1 RETURNING id';
    expect(await rows(dataSource, statement, [2])).toEqual([{ id: 2 }]);
  });

  it('reads the rows named result of a statement that begins with WITH', async () => {
    const statement = `
      WITH changed AS (UPDATE counters SET value = value RETURNING id),
      result AS (SELECT count(*) AS changed FROM changed)`;
    expect(await rows(dataSource, statement)).toEqual([{ changed: 2 }]);
  });

  it('fails with a fault of the store where the connection is lost in a transaction', async () => {
    const lost = dataSource.transaction(async (manager) => {
      const [own] = await rows<{ pid: number }>(manager, 'SELECT pg_backend_pid() AS pid');
      await rows(dataSource, 'SELECT pg_terminate_backend($1)', [own?.pid]);
      await eventually(async () => expect(manager.queryRunner?.isReleased).toBe(true));
      await rows(manager, 'SELECT 1 AS one');
    });
    const error: unknown = await lost.catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/already released/);
    expect(isStoreFault(error)).toBe(true);
  });

  it('sees what the transaction of its manager sees', async () => {
    await dataSource.transaction(async (manager) => {
      await manager.query('INSERT INTO counters VALUES (3, 5)');
      const statement = 'SELECT value FROM counters WHERE id = 3';
      expect(await rows(manager, statement)).toEqual([{ value: 5 }]);
      expect(await rows(dataSource, statement)).toEqual([]);
      await manager.query('DELETE FROM counters WHERE id = 3');
    });
  });
});

describe('under default_transaction_isolation = serializable', () => {
  const AT_ONCE = 20;
  const INCREMENT = 'UPDATE counters SET value = value + 1 WHERE id = $1 RETURNING value';
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    const name = new URL(database.url).pathname.slice(1);
    const first = await openDataSource({ url: database.url, poolSize: 1 });
    await first.query(`ALTER DATABASE ${name} SET default_transaction_isolation = serializable`);
    await first.query('CREATE TABLE counters (id integer PRIMARY KEY, value integer NOT NULL)');
    await first.query('INSERT INTO counters VALUES (1, 0), (2, 0)');
    await first.destroy();
    dataSource = await openDataSource({ url: database.url, poolSize: 10 });
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  it('runs each of many concurrent statements on a row', async () => {
    const all = Array.from({ length: AT_ONCE }, () => rows<{ value: number }>(dataSource, INCREMENT, [1]));
    const values = (await Promise.all(all)).flat().map(({ value }) => value);
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: AT_ONCE }, (_, at) => at + 1));
  });

  it('runs each of many concurrent transactions on a row', async () => {
    const all = Array.from({ length: AT_ONCE }, () =>
      inTransaction(dataSource, async (manager) => {
        const [read] = await rows<{ value: number }>(manager, 'SELECT value FROM counters WHERE id = 2');
        await rows(manager, INCREMENT, [2]);
        return read;
      }),
    );
    await Promise.all(all);
    expect(await rows(dataSource, 'SELECT value FROM counters WHERE id = 2')).toEqual([{ value: AT_ONCE }]);
  });

  it('leaves a conflict in a transaction to its owner', async () => {
    const failing = dataSource.transaction('SERIALIZABLE', async (manager) => {
      await rows(manager, 'SELECT value FROM counters WHERE id = 2');
      await rows(dataSource, INCREMENT, [2]);
      await rows(manager, INCREMENT, [2]);
    });
    await expect(failing).rejects.toMatchObject({ code: '40001' });
  });

  it('passes other errors on at once', async () => {
    let tries = 0;
    const failing = inTransaction(dataSource, (manager) => {
      tries += 1;
      return manager.query('SELECT * FROM nowhere');
    });
    await expect(failing).rejects.toMatchObject({ code: '42P01' });
    expect(tries).toBe(1);
  });
});
