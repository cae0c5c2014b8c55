import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { connectionOf } from './database-connection.js';

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

const of = (options: Omit<PostgresOptions, 'type'>) =>
  connectionOf(new DataSource({ type: 'postgres', ...options }));

describe("the module's own connections to the host's database", () => {
  it('use the primary if the host reads from replicas', () => {
    const primary = { host: 'primary.test', port: 6432, username: 'host', password: 'p', database: 'shop' };
    const replicas = [{ ...primary, host: 'replica.test' }];
    expect(of({ replication: { master: primary, slaves: replicas } })).toEqual({
      host: 'primary.test',
      port: 6432,
      user: 'host',
      password: 'p',
      database: 'shop',
    });
    const url = 'postgres://host:p@primary.test/shop';
    expect(of({ replication: { master: { url }, slaves: [] } })).toEqual({ connectionString: url });
  });

  it('use TLS if the host does, in `ssl` or in `extra`, which TypeORM prefers', () => {
    const [ssl, ca] = [{ rejectUnauthorized: false }, { ca: 'a certificate' }];
    const url = 'postgres://host:p@primary.test/shop';
    expect(of({ url, ssl })).toEqual({ connectionString: url, ssl });
    expect(of({ url, ssl, extra: { ssl: ca } })).toEqual({ connectionString: url, ssl: ca });
  });

  it('use the connector in `extra`, and nothing else of it', () => {
    const stream = () => new Socket();
    const extra = { stream, user: 'iam', max: 3, statement_timeout: 5_000 };
    expect(of({ username: 'host', database: 'shop', extra })).toEqual({
      user: 'iam',
      database: 'shop',
      stream,
    });
  });
});
