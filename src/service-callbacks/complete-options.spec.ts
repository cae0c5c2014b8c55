import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { captureNestLogs } from '../../test/support/nest-logs.js';
import { loadEnv } from '../config/env.js';
import { completeOptions } from './complete-options.js';
import { optionsFromEnv, optionsOf } from './options-from-env.js';
import { ServiceCallbacksModule } from './service-callbacks.module.js';

const KEY = `one:${randomBytes(32).toString('base64')}`;
const LEAST = { queue: { backend: 'postgres' }, encryptionKeys: [KEY] } as const;

const HEADING = 'The options of ServiceCallbacksModule are not valid:';

/** The lines of the error message, one a bad option. */
function complaints(options: object): readonly string[] {
  try {
    ServiceCallbacksModule.forRoot(options as never);
    return [];
  } catch (error) {
    const [heading, ...lines] = (error as Error).message.split('\n');
    if (heading !== HEADING) throw error;
    return lines.map((line) => line.trim());
  }
}

describe('the options of the module', () => {
  it('have the defaults that the environment has', () => {
    const { queue, ...fromEnv } = completeOptions(optionsOf(loadEnv({ CALLBACK_ENCRYPTION_KEYS: KEY })));
    const { queue: plainQueue, ...complete } = completeOptions(LEAST);
    expect(complete).toEqual(fromEnv);
    expect(plainQueue).toEqual(queue);
    expect(complete.delivery).toMatchObject({ timeoutMs: 5_000, maxRetries: 5, transport: 'http-service' });
  });

  it('keep their defaults if they are undefined', () => {
    const { delivery } = completeOptions({ ...LEAST, delivery: { timeoutMs: undefined } });
    expect(delivery.timeoutMs).toBe(5_000);
  });

  it('accept every value that the environment accepts', () => {
    const environment = {
      CALLBACK_ENCRYPTION_KEYS: KEY,
      QUEUE_BACKEND: 'redis',
      REDIS_URL: 'redis://cache',
      QUEUE_LOCK_DURATION_MS: '500',
      CALLBACK_TIMEOUT_MS: '1',
      CALLBACK_ALLOWED_PORTS: '8443',
      CALLBACK_DNS_SERVERS: '10.0.0.2',
      CALLBACK_DISABLE_AFTER: '12h',
      ALERT_WEBHOOK_URL: 'https://alerts.example.org/',
    };
    expect(completeOptions(optionsOf(loadEnv(environment)))).toMatchObject({
      queue: { backend: 'redis', url: 'redis://cache', prefix: 'bull', lockDurationMs: 500 },
      delivery: { timeoutMs: 1 },
      addresses: { allowedPorts: [8443] },
      egress: { dnsServers: ['10.0.0.2'] },
      endpointHealth: { disableAfterMs: 43_200_000 },
      alerts: { url: 'https://alerts.example.org/' },
    });
  });

  it.each([
    [
      { ...LEAST, deadLetters: { retentionDays: -1 } },
      'deadLetters.retentionDays=-1: accepted is a whole number of days from 1 to 3650',
    ],
    [
      { ...LEAST, delivery: { timeoutMs: -5 } },
      'delivery.timeoutMs=-5: accepted is a whole number of ms from 1 to 600000',
    ],
    [
      { ...LEAST, delivery: { timeoutMs: '5000' } },
      'delivery.timeoutMs="5000": accepted is a whole number of ms from 1 to 600000',
    ],
    [
      { ...LEAST, delivery: { timeoutMs: Number.NaN } },
      'delivery.timeoutMs=NaN: accepted is a whole number of ms from 1 to 600000',
    ],
    [{ ...LEAST, delivery: 5 }, /^delivery=5: accepted is an object with timeoutMs, /],
    [{ encryptionKeys: [KEY] }, 'queue.backend is not set: required; accepted is postgres, redis'],
    [{ ...LEAST, queue: { backend: 'rabbit' } }, 'queue.backend="rabbit": accepted is postgres, redis'],
    [{ ...LEAST, queue: 'postgres' }, /^queue="postgres": accepted is an object with backend, /],
    [{ ...LEAST, queue: { backend: 'redis' } }, /^queue\.url is not set: required with queue\.backend=redis/],
    [
      { ...LEAST, queue: { backend: 'postgres', poolSize: 2 } },
      'queue.poolSize=2: accepted is a whole number from 3 to 1000',
    ],
    [
      { ...LEAST, queue: { backend: 'postgres', url: 'mysql://me:hunter2@db' } },
      /^queue\.url=\*\*\*: accepted is a postgres:/,
    ],
    [{ ...LEAST, encryptionKeys: [] }, /^encryptionKeys=\*\*\*: accepted is a list of kid:base64/],
    [{ queue: LEAST.queue }, /^encryptionKeys is not set: required; accepted is a list of kid:base64/],
    [{ ...LEAST, alerts: {} }, /^alerts\.url is not set: required/],
    [
      { ...LEAST, addresses: { allowedNetworks: '10.0.0.0/8' } },
      /^addresses\.allowedNetworks="10\.0\.0\.0\/8": accepted is a list of networks/,
    ],
    [{ ...LEAST, callbackTypes: { type: 'x' } }, /^callbackTypes=.*accepted is a list of callback types/],
    [{ ...LEAST, callbackTypes: [{ type: 'x' }] }, /^callbackTypes=.*accepted is a list of callback types/],
    [
      { ...LEAST, delivery: { retryDelayMs: 200, retryMaxDelayMs: 199 } },
      /^delivery\.retryMaxDelayMs=199: must not be less than delivery\.retryDelayMs/,
    ],
    [
      { ...LEAST, delivery: { maxAgeMs: 1_000 } },
      /^delivery\.maxAgeMs=1000: must not be less than the retries take together \(delivery\.maxRetries/,
    ],
    [{ ...LEAST, processors: 'false' }, 'processors="false": accepted is true, false'],
    [
      { ...LEAST, delivery: { timeout: 5 } },
      'delivery.timeout=5: there is no such setting; did you mean timeoutMs?',
    ],
    [
      { ...LEAST, encryptionKey: 'hunter2' },
      'encryptionKey=***: there is no such setting; did you mean encryptionKeys?',
    ],
    [{ ...LEAST, procesors: false }, 'procesors=false: there is no such setting; did you mean processors?'],
    [
      { ...LEAST, queue: { backend: 'postgres', prefix: 'x' } },
      /^queue\.prefix=\*\*\*: there is no such setting/,
    ],
  ])('refuse %o', (options, complaint) => {
    const lines = complaints(options);
    const [line = '', ...others] = lines;
    expect(others).toEqual([]);
    expect(line).toMatch(complaint);
    expect(lines.join()).not.toContain('hunter2');
  });

  it('need no URL of a Redis that the host connects to itself', () => {
    const connect = () => {
      throw new Error('not called');
    };
    expect(complaints({ ...LEAST, queue: { backend: 'redis', connect } })).toEqual([]);
  });

  it('name all bad options at once', () => {
    const lines = complaints({
      delivery: { timeoutMs: -5, retries: 3 },
      deadLetters: { retentionDays: -1 },
      isGlobal: 'yes',
    });
    expect(lines.map((line) => line.split(/[ =:]/)[0])).toEqual([
      'encryptionKeys',
      'delivery.retries',
      'delivery.timeoutMs',
      'deadLetters.retentionDays',
      'queue.backend',
      'isGlobal',
    ]);
  });

  it('warn of a variable whose name is almost a known one, and ignore the host’s', () => {
    const logs = captureNestLogs();
    const environment = { CALLBACK_ENCRYPTION_KEYS: KEY, CALLBACK_URL: 'x', CALLBACK_TIMEOUT_SM: '5' };
    expect(optionsFromEnv(environment)).toMatchObject({ delivery: { timeoutMs: 5_000 } });
    expect(logs).toEqual([
      {
        level: 'warn',
        msg: 'Nothing reads the variable CALLBACK_TIMEOUT_SM; did you mean CALLBACK_TIMEOUT_MS?',
      },
    ]);
  });

  it('refuse a misspelt part of the module beside an asynchronous factory', () => {
    const options = { useFactory: () => LEAST, procesors: false };
    expect(() => ServiceCallbacksModule.forRootAsync(options)).toThrow('did you mean processors?');
  });

  it('refuse an asynchronous root without a factory', () => {
    expect(() => ServiceCallbacksModule.forRootAsync({})).toThrow(
      'useFactory, useClass, useExisting is not set: one is required; accepted is a function',
    );
  });

  it.each([
    [undefined, 'forFeature is not set'],
    [
      [undefined],
      'forFeature=[ undefined ]: what is undefined here may come of files that import each other',
    ],
    [[{ type: 'x' }], 'forFeature=[ [Object] ]: accepted is a list of callback types, each made with'],
  ])('refuse %j as the types of a feature', (types, complaint) => {
    expect(() => ServiceCallbacksModule.forFeature(types as never)).toThrow(complaint);
  });
});
