import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { serviceCallbackEntities } from '../../src/service-callbacks/entities.js';
import { CallbackApiRepository } from '../../src/service-callbacks/endpoints/callback-api.repository.js';
import { payloadBinding } from '../../src/service-callbacks/callbacks/callback.js';
import { Clock } from '../../src/service-callbacks/clock.js';
import { generateEncryptionKey } from '../../src/service-callbacks/security/encryption-keys.js';
import {
  CiphertextRepository,
  ENCRYPTED_COLUMNS,
} from '../../src/service-callbacks/key-rotation/ciphertext.repository.js';
import {
  KeyRotation,
  keysInUse,
  rotateKeys,
  type RotationProgress,
} from '../../src/service-callbacks/key-rotation/rotate-keys.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { runCommand } from '../support/run-command.js';
import { query } from '../support/sql.js';

const OLD = generateEncryptionKey('old');
const NEW = generateEncryptionKey('new');
const PAYLOADS = 1_203;

describe('keys rotate', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  const services = [randomUUID(), randomUUID()] as const;

  beforeEach(async () => {
    database = await createTestDatabase();
    const options = dataSourceOptions({
      url: database.url,
      poolSize: 4,
      entities: [...serviceCallbackEntities],
    });
    dataSource = await new DataSource(options).initialize();
    const apis = callbackApis([OLD]);
    for (const serviceId of services) {
      const { id } = await apis.create({
        serviceId,
        callbackType: 'complaint',
        url: 'https://example.org/',
        bearerToken: `token of ${serviceId}`,
        signingSecret: 'whsec_b25l',
        updatedById: randomUUID(),
      });
      const previousUntil = new Date(Date.now() + 60_000);
      await apis.rotateSigningSecret(serviceId, id, { secret: 'whsec_dHdv', previousUntil });
    }
    await keepPayloads(PAYLOADS);
  });

  afterEach(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  function callbackApis(keys: readonly string[]): CallbackApiRepository {
    return new CallbackApiRepository(dataSource, new PayloadCipher(keys), new Clock());
  }

  function rotation(keys: readonly string[]): KeyRotation {
    return new KeyRotation(new CiphertextRepository(dataSource), new PayloadCipher(keys));
  }

  async function keepPayloads(count: number): Promise<void> {
    const cipher = new PayloadCipher([OLD]);
    const rows = Array.from({ length: count }, () => {
      const id = randomUUID();
      return { id, payload: cipher.encrypt(`payload of ${id}`, payloadBinding(id)) };
    });
    await dataSource.query(
      `INSERT INTO service_callback_payloads
       SELECT id, payload FROM json_to_recordset($1::json) AS kept(id uuid, payload text)`,
      [JSON.stringify(rows)],
    );
  }

  async function expectReadableWith(keys: readonly string[]): Promise<void> {
    const apis = callbackApis(keys);
    for (const serviceId of services) {
      expect(await apis.findWithSecrets(serviceId, 'complaint')).toMatchObject({
        bearerToken: `token of ${serviceId}`,
        signingSecrets: ['whsec_dHdv', 'whsec_b25l'],
      });
    }
    const cipher = new PayloadCipher(keys);
    const payloads = await query<{ id: string; payload: string }>(
      database.url,
      'SELECT id, payload FROM service_callback_payloads',
    );
    for (const { id, payload } of payloads) {
      expect(cipher.decrypt(payload, payloadBinding(id))).toBe(`payload of ${id}`);
    }
  }

  const command = (keys: readonly string[], ...args: string[]) =>
    runCommand('src/service-cli.ts', { DATABASE_URL: database.url, CALLBACK_ENCRYPTION_KEYS: keys.join() }, [
      'keys',
      'rotate',
      ...args,
    ]);

  it('names the keys that are still needed, and re-encrypts everything', async () => {
    const before = await command([NEW, OLD], '--check');
    expect(before.code).toBe(1);
    expect(before.stdout).toContain('key "old": 2 in service_callback_apis.bearer_token');
    expect(before.stdout).toContain('key "old": 2 in service_callback_apis.signing_secret');
    expect(before.stdout).toContain('key "old": 2 in service_callback_apis.previous_signing_secret');
    expect(before.stdout).toContain(`key "old": ${PAYLOADS} in service_callback_payloads.payload`);
    expect(before.stdout).toContain('Jobs in the queues are not counted');
    await expectReadableWith([OLD]);

    const rotated = await command([NEW, OLD]);
    expect(rotated.stdout).toContain(`service_callback_payloads.payload: ${PAYLOADS} re-encrypted`);
    expect(rotated.stdout).toContain('Nothing stored is under another key than "new".');
    expect(rotated.code).toBe(0);
    expect(rotated.stderr).toContain(`service_callback_payloads.payload: 0 of ${PAYLOADS}\n`);

    await expectReadableWith([NEW]);
  });

  it('reports its progress', async () => {
    const progress: RotationProgress[] = [];
    const { columns } = await rotateKeys(dataSource, {
      encryptionKeys: [NEW, OLD],
      onProgress: (at) => progress.push(at),
    });
    expect(progress.filter(({ column }) => column === 'payload').map(({ done }) => done)).toEqual([
      0, 500, 1_000,
    ]);
    expect(columns.at(-1)).toMatchObject({ rotated: PAYLOADS });
    expect(await keysInUse(dataSource, { encryptionKeys: [NEW, OLD] })).toEqual({
      currentKeyId: 'new',
      needed: [],
    });
  });

  it('reports what it cannot read, and leaves it unchanged', async () => {
    await rotation([NEW, OLD]).run();
    await keepPayloads(1);

    const { code, stdout } = await command([NEW]);

    expect(code).toBe(1);
    expect(stdout).toContain('service_callback_payloads.payload: 0 re-encrypted, 1 UNREADABLE');
    expect(stdout).toContain('key "old": 1 in service_callback_payloads.payload');
  });

  it('continues after an interruption', async () => {
    const repository = new CiphertextRepository(dataSource);
    const replace = repository.replace.bind(repository);
    let left = 700;
    repository.replace = (...args) => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error('the database is unavailable')) : replace(...args);
    };
    const interrupted = new KeyRotation(repository, new PayloadCipher([NEW, OLD]));
    await expect(interrupted.run()).rejects.toThrow('the database is unavailable');
    await expectReadableWith([NEW, OLD]);

    const rotated = await rotation([NEW, OLD]).run();

    expect(rotated.reduce((sum, column) => sum + column.rotated, 0)).toBe(PAYLOADS + 6 - 700);
    await expectReadableWith([NEW]);
  });

  it('never overwrites a change by the running service', async () => {
    const repository = new CiphertextRepository(dataSource);
    const replace = repository.replace.bind(repository);
    const [serviceId] = services;
    const apis = callbackApis([NEW, OLD]);
    repository.replace = async (column, ...rest) => {
      if (column.column === 'bearer_token') {
        const [api] = await apis.list(serviceId);
        const change = { bearerToken: 'changed meanwhile', updatedById: randomUUID() };
        await apis.update(serviceId, api?.id ?? '', change);
      }
      return replace(column, ...rest);
    };

    const [tokens] = await new KeyRotation(repository, new PayloadCipher([NEW, OLD])).run();

    expect(tokens).toMatchObject({ rotated: 1, overtaken: 1, unreadable: 0 });
    const endpoint = await callbackApis([NEW]).findWithSecrets(serviceId, 'complaint');
    expect(endpoint?.bearerToken).toBe('changed meanwhile');
  });

  it('knows every column with ciphertexts', async () => {
    const columns = await query<{ table_name: string; column_name: string }>(
      database.url,
      `SELECT table_name, column_name FROM information_schema.columns
       WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb') AND table_name <> 'migrations'`,
    );
    const found: string[] = [];
    for (const { table_name: table, column_name: column } of columns) {
      const [row] = await query<{ count: string }>(
        database.url,
        `SELECT count(*) FROM ${table} WHERE "${column}"::text LIKE '%old.%'`,
      );
      if (row?.count !== '0') found.push(`${table}.${column}`);
    }
    expect(found.toSorted()).toEqual(
      ENCRYPTED_COLUMNS.map(({ table, column }) => `${table}.${column}`).toSorted(),
    );
  });

  it('a ciphertext copied to another row does not decrypt', async () => {
    const [ours, theirs] = services;
    for (const column of ['bearer_token', 'signing_secret']) {
      await query(
        database.url,
        `UPDATE service_callback_apis SET ${column} =
           (SELECT ${column} FROM service_callback_apis WHERE service_id = $1) WHERE service_id = $2`,
        [theirs, ours],
      );
      await expect(callbackApis([OLD]).findWithSecrets(ours, 'complaint')).rejects.toThrow(
        'does not authenticate',
      );
    }
  });
});
