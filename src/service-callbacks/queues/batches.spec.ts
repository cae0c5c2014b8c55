import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { bearerTokenBinding, signingSecretBinding } from '../endpoints/callback-api.entity.js';
import { QUIET_PRIORITY } from '../callbacks/callback.js';
import type { TakenRow } from '../callbacks/callback.repository.js';
import { generateEncryptionKey } from '../security/encryption-keys.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { destinationBinding, isBatchJob, readBatchJob, type BatchJobData } from './batch-job.js';
import { Batches, queuedJob, UNKNOWN_KEY_DELAY_MS } from './batches.js';

const KEY = generateEncryptionKey('ours');
const cipher = new PayloadCipher([KEY]);
const batches = new Batches(cipher);

function anEndpoint(sealer = cipher) {
  const id = randomUUID();
  return {
    endpoint_id: id,
    url: `https://${id}.example/`,
    bearer_token: sealer.encrypt(`token of ${id}`, bearerTokenBinding(id)),
    signing_secret: sealer.encrypt(`secret of ${id}`, signingSecretBinding(id)),
    previous_secret: null,
  };
}

function aRow(batch: string, overrides: Partial<TakenRow> = {}): TakenRow {
  return {
    id: randomUUID(),
    state: 'queued',
    reason: null,
    batch,
    priority: 1,
    seq: 1,
    service_id: 'a-service',
    callback_type: 'delivery_status',
    subject_id: 'a-subject',
    generation: 0,
    attempt_count: 0,
    earlier_attempts: 0,
    alone: false,
    is_first: true,
    queued_at: 1_234,
    trace: null,
    payload: 'sealed payload',
    last_attempt: null,
    detail: null,
    ...anEndpoint(),
    ...overrides,
  };
}

function only<T>(list: readonly T[]): T {
  expect(list).toHaveLength(1);
  return list[0] as T;
}

describe('batches', () => {
  it('become one job each, with the id of the batch', () => {
    const rows = ['one', 'other', 'one'].map((batch) => aRow(batch));
    const { jobs, unreadable } = batches.make(rows);
    expect(unreadable).toEqual([]);
    expect(jobs.map(({ id, data }) => [id, data.callbacks.map((one) => one.id)])).toEqual([
      ['one', [rows[0]?.id, rows[2]?.id]],
      ['other', [rows[1]?.id]],
    ]);
  });

  it('have each endpoint once, and each callback with its endpoint', () => {
    const [first, second] = [anEndpoint(), anEndpoint()];
    const rows = [first, second, first].map((endpoint) => aRow('a-batch', endpoint));
    const { data } = only(batches.make(rows).jobs);
    expect(data.endpoints).toHaveLength(2);
    for (const row of rows) {
      const one = data.callbacks.find(({ id }) => id === row.id);
      const { id, destination } = data.endpoints[one?.endpoint ?? -1] ?? { id: '', destination: '' };
      expect(id).toBe(row.endpoint_id);
      expect(JSON.parse(cipher.decrypt(destination, destinationBinding('a-batch', id)))).toEqual({
        url: row.url,
        bearerToken: `token of ${id}`,
        signingSecrets: [`secret of ${id}`],
      });
    }
  });

  it('carry everything that an attempt needs', () => {
    const trace = { traceparent: '00-11111111111111111111111111111111-2222222222222222-01' };
    const row = aRow('a-batch', { generation: 2, attempt_count: 5, earlier_attempts: 4, trace });
    const { data } = only(batches.make([row], true).jobs);
    expect(data).toMatchObject({
      v: 2,
      recheck: true,
      alone: false,
      callbacks: [
        {
          id: row.id,
          endpoint: 0,
          service_id: 'a-service',
          callback_type: 'delivery_status',
          subject_id: 'a-subject',
          queued_at: 1_234,
          generation: 2,
          attempts: 5,
          earlier_attempts: 4,
          trace,
          payload: 'sealed payload',
        },
      ],
    });
    expect(readBatchJob(JSON.parse(JSON.stringify(data)))).toEqual(data);
    const job = { id: 'a-batch', data, goesFirst: true };
    expect(queuedJob('a-queue', job)).toMatchObject({ queue: 'a-queue', ...job });
  });

  it.each([
    ['a quiet service', { priority: QUIET_PRIORITY, is_first: true }, true],
    ['a busy service', { priority: QUIET_PRIORITY + 1, is_first: true }, false],
    ['the retry queue', { priority: QUIET_PRIORITY + 1, is_first: false }, true],
  ])('of %s: whether their job goes first', (_, row, goesFirst) => {
    expect(batches.make([aRow('a-batch', row)]).jobs).toMatchObject([{ goesFirst }]);
  });

  it('show no token, secret or URL', () => {
    const row = aRow('a-batch');
    const text = JSON.stringify(batches.make([row]));
    for (const secret of ['token of', 'secret of', row.url]) expect(text).not.toContain(secret);
  });

  it('are sealed for one batch: a destination moved to another does not decrypt', () => {
    const row = aRow('a-batch');
    const { id, destination } = only(only(batches.make([row]).jobs).data.endpoints);
    expect(() => cipher.decrypt(destination, destinationBinding('another', id))).toThrow(/./);
    expect(() => cipher.decrypt(destination, destinationBinding('a-batch', randomUUID()))).toThrow(/./);
  });

  it('have the previous secret while it is in use, and no secret if there is none', () => {
    const endpoint = anEndpoint();
    const previous = cipher.encrypt('secret before', signingSecretBinding(endpoint.endpoint_id));
    const both = batches.destinationOf(aRow('a-batch', { ...endpoint, previous_secret: previous }));
    expect(both).toMatchObject({ signingSecrets: [`secret of ${endpoint.endpoint_id}`, 'secret before'] });
    const none = batches.destinationOf(aRow('a-batch', { ...endpoint, signing_secret: null }));
    expect(none).toMatchObject({ signingSecrets: [] });
  });

  it('mark a callback that goes alone', () => {
    expect(only(batches.make([aRow('a-batch', { alone: true })]).jobs).data.alone).toBe(true);
  });

  it('leave out an endpoint whose key is missing: its callbacks wait', () => {
    const foreign = anEndpoint(new PayloadCipher([generateEncryptionKey('theirs')]));
    const [good, bad, alsoBad] = [aRow('a-batch'), aRow('a-batch', foreign), aRow('a-batch', foreign)];
    const { jobs, unreadable } = batches.make([bad, good, alsoBad]);
    expect(only(jobs).data.callbacks.map(({ id }) => id)).toEqual([good.id]);
    expect(unreadable.map(({ row, settlement }) => [row.id, settlement])).toEqual(
      [bad, alsoBad].map(({ id }) => [
        id,
        {
          id,
          endpointId: foreign.endpoint_id,
          batch: 'a-batch',
          generation: 0,
          disposition: { kind: 'retryAt', delayMs: UNKNOWN_KEY_DELAY_MS, deferral: 'unknown_encryption_key' },
        },
      ]),
    );
    expect(unreadable[0]?.error.message).toContain('theirs');
  });

  it('leave out an endpoint whose token was altered or moved: its callbacks are unreadable', () => {
    const moved = { ...anEndpoint(), endpoint_id: randomUUID() };
    const { jobs, unreadable } = batches.make([aRow('a-batch', moved)]);
    expect(jobs).toEqual([]);
    expect(only(unreadable).settlement.disposition).toMatchObject({
      kind: 'giveUp',
      reason: 'unreadable',
      detail: expect.stringMatching(/authenticate/),
    });
  });
});

describe('the data of a job', () => {
  const good = only(batches.make([aRow('a-batch')]).jobs).data;
  const without = (key: keyof BatchJobData) =>
    Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'a text'],
    ['a list', [good]],
    ['no version', without('v')],
    ['the version before', { ...good, v: 1 }],
    ['no callbacks', { ...good, callbacks: [] }],
    ['callbacks that are none', { ...good, callbacks: [{ id: 'an-id' }] }],
    ['an id that is no UUID', { ...good, callbacks: [{ ...good.callbacks[0], id: 'an-id' }] }],
    ['no endpoints', without('endpoints')],
    ['a negative count', { ...good, callbacks: [{ ...good.callbacks[0], attempts: -1 }] }],
    [
      'a generation that no record can have',
      { ...good, callbacks: [{ ...good.callbacks[0], generation: 2 ** 31 }] },
    ],
  ])('with %s is not read', (_, data) => {
    expect(readBatchJob(data)).toBeUndefined();
  });

  it('of a later version is recognised, and not read', () => {
    const later = { ...good, v: 3 };
    expect(isBatchJob(later)).toBe(true);
    expect(readBatchJob(later)).toBeUndefined();
    for (const data of [undefined, null, 'v', [3], { v: 1 }, { v: '3' }])
      expect(isBatchJob(data)).toBe(false);
  });

  it('with unknown fields is read: a later release may add fields', () => {
    expect(readBatchJob({ ...good, added: 1, callbacks: [{ ...good.callbacks[0], added: 2 }] })).toEqual(
      good,
    );
  });

  it('with a trace that cannot be read is read without it', () => {
    const [one] = good.callbacks;
    expect(readBatchJob({ ...good, callbacks: [{ ...one, trace: { traceparent: 7 } }] })).toMatchObject({
      callbacks: [{ id: one?.id }],
    });
  });
});
