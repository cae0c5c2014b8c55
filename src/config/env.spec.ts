import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { loadEnv, type EnvSource } from './env.js';
import { InvalidEnvironmentError } from './errors.js';
import { variables } from './variables.js';

const KEY = randomBytes(32).toString('base64');
const DATABASE_URL = 'postgres://user:password@db.internal/callbacks';
const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL,
  API_TOKENS: 'a-token-of-production',
  CALLBACK_ENCRYPTION_KEYS: `one:${KEY}`,
};

/** The lines of the error message, one a bad variable; empty if the environment is valid. */
function complaints(source: EnvSource): readonly string[] {
  try {
    loadEnv(source);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidEnvironmentError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
}

describe('loadEnv', () => {
  it('needs nothing in development', () => {
    expect(loadEnv({})).toEqual({
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: 3000,
      PROCESS_ROLE: 'all',
      DATABASE_URL: undefined,
      DATABASE_DIRECT_URL: undefined,
      MIGRATE_ON_START: true,
      DATABASE_POOL_SIZE: 10,
      QUEUE_POOL_SIZE: 10,
      QUEUE_DATABASE_URL: undefined,
      QUEUE_LOCK_DURATION_MS: 30_000,
      QUEUE_STALLED_INTERVAL_MS: 15_000,
      DATA_DIR: '.data',
      QUEUE_BACKEND: 'postgres',
      REDIS_URL: undefined,
      API_TOKENS: [],
      API_RATE_LIMIT: 120_000,
      TRUSTED_PROXIES: [],
      CALLBACK_ENCRYPTION_KEYS: [],
      CALLBACK_TIMEOUT_MS: 5_000,
      CALLBACK_TRANSPORT: 'http-service',
      CALLBACK_CONCURRENCY: 2_000,
      CALLBACK_RETRY_CONCURRENCY: 500,
      CALLBACK_ENDPOINT_CONCURRENCY: 500,
      CALLBACK_BATCH_SIZE: 100,
      CALLBACK_IDEMPOTENCY_HOURS: 24,
      CALLBACK_PAYLOAD_DAYS: 7,
      CALLBACK_MAX_RETRIES: 5,
      CALLBACK_MAX_AGE_MS: 259_200_000,
      CALLBACK_RETRY_DELAY_MS: 300_000,
      CALLBACK_RETRY_MAX_DELAY_MS: 43_200_000,
      CALLBACK_CIRCUIT_FAILURES: 20,
      CALLBACK_CIRCUIT_OPEN_MS: 30_000,
      CALLBACK_ALLOW_HTTP: false,
      CALLBACK_ALLOWED_NETWORKS: [],
      CALLBACK_ALLOWED_PORTS: [],
      CALLBACK_EXTRA_CA_FILE: undefined,
      CALLBACK_PROXY_URL: undefined,
      CALLBACK_DNS_SERVERS: [],
      CALLBACK_SIGNING_OVERLAP_MS: 86_400_000,
      CALLBACK_DEAD_LETTER_DAYS: 30,
      CALLBACK_REPLAY_RATE: 50,
      CALLBACK_DELIVERY_LOG: 'all',
      CALLBACK_DELIVERY_LOG_DAYS: 30,
      CONSOLE: true,
      CONSOLE_RUNBOOK_URL: undefined,
      CALLBACK_DISABLE_AFTER: 432_000_000,
      CALLBACK_TRACEPARENT: false,
      ALERT_WEBHOOK_URL: undefined,
      ALERT_WEBHOOK_TOKEN: undefined,
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
    });
  });

  it("treats an empty text as not set, and ignores other programs' variables", () => {
    const empty = Object.fromEntries([...variables.keys()].map((name) => [name, '']));
    expect(loadEnv({ ...empty, PATH: '/bin', CALLBACK_UNKNOWN: '', PORTS: 'x' })).toEqual(loadEnv({}));
  });

  it('returns a frozen environment, lists included', () => {
    const env = loadEnv({ API_TOKENS: 'one,two' });
    expect(Object.isFrozen(env)).toBe(true);
    expect(Object.isFrozen(env.API_TOKENS)).toBe(true);
    expect(Object.isFrozen(env.CALLBACK_ALLOWED_PORTS)).toBe(true);
  });

  it.each([
    [{ PORT: '0' }, { PORT: 0 }],
    [{ PORT: '65535' }, { PORT: 65535 }],
    [{ NODE_ENV: 'test' }, { NODE_ENV: 'test', MIGRATE_ON_START: true }],
    [{ HOST: 'localhost' }, { HOST: 'localhost' }],
    [{ HOST: '::1' }, { HOST: '::1' }],
    [{ HOST: '127.9.9.9' }, { HOST: '127.9.9.9' }],
    [{ HOST: '0.0.0.0', API_TOKENS: 'a' }, { HOST: '0.0.0.0' }],
    [
      { PROCESS_ROLE: 'worker', DATABASE_URL },
      { PROCESS_ROLE: 'worker', DATABASE_URL },
    ],
    [{ DATABASE_URL: 'postgresql:///db?host=/run/pg' }, { DATABASE_URL: 'postgresql:///db?host=/run/pg' }],
    [{ QUEUE_BACKEND: 'redis', REDIS_URL: 'rediss://cache:6379/1' }, { REDIS_URL: 'rediss://cache:6379/1' }],
    [{ MIGRATE_ON_START: 'false' }, { MIGRATE_ON_START: false }],
    [
      { API_TOKENS: ' one , two:callbacks:read+callbacks:write ,' },
      { API_TOKENS: ['one', 'two:callbacks:read+callbacks:write'] },
    ],
    [
      { CALLBACK_ENCRYPTION_KEYS: `new_1:${KEY},old-1:${KEY}` },
      { CALLBACK_ENCRYPTION_KEYS: [`new_1:${KEY}`, `old-1:${KEY}`] },
    ],
    [
      { CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8, ::1/128' },
      { CALLBACK_ALLOWED_NETWORKS: ['127.0.0.0/8', '::1/128'] },
    ],
    [
      { CALLBACK_DNS_SERVERS: '10.0.0.2, 127.0.0.1:5353,[fd00::2]:53,::1' },
      { CALLBACK_DNS_SERVERS: ['10.0.0.2', '127.0.0.1:5353', '[fd00::2]:53', '::1'] },
    ],
    [{ CALLBACK_ALLOWED_PORTS: '8443,9443' }, { CALLBACK_ALLOWED_PORTS: [8443, 9443] }],
    [{ CALLBACK_DISABLE_AFTER: '12h' }, { CALLBACK_DISABLE_AFTER: 43_200_000 }],
    [{ CALLBACK_DISABLE_AFTER: '90m' }, { CALLBACK_DISABLE_AFTER: 5_400_000 }],
    [{ CALLBACK_DISABLE_AFTER: '250' }, { CALLBACK_DISABLE_AFTER: 250 }],
    [{ CALLBACK_DISABLE_AFTER: '365d' }, { CALLBACK_DISABLE_AFTER: 31_536_000_000 }],
    [{ CALLBACK_DISABLE_AFTER: '0' }, { CALLBACK_DISABLE_AFTER: 0 }],
    [{ CALLBACK_MAX_RETRIES: '0' }, { CALLBACK_MAX_RETRIES: 0 }],
    [{ CALLBACK_RETRY_DELAY_MS: '7', CALLBACK_RETRY_MAX_DELAY_MS: '7' }, { CALLBACK_RETRY_MAX_DELAY_MS: 7 }],
    [{ LOG_FORMAT: 'pretty' }, { LOG_FORMAT: 'pretty' }],
    [PRODUCTION, { NODE_ENV: 'production', MIGRATE_ON_START: false }],
    [
      { ...PRODUCTION, NODE_ENV: 'staging' },
      { NODE_ENV: 'staging', MIGRATE_ON_START: false },
    ],
    [{ ...PRODUCTION, MIGRATE_ON_START: 'true' }, { MIGRATE_ON_START: true }],
  ])('reads %j', (source, expected) => {
    expect(loadEnv(source)).toMatchObject(expected);
  });

  it('logs in the pretty format on a terminal by default', () => {
    expect(loadEnv({}, { isTerminal: true }).LOG_FORMAT).toBe('pretty');
    expect(loadEnv({ LOG_FORMAT: 'json' }, { isTerminal: true }).LOG_FORMAT).toBe('json');
  });

  it.each([
    ['HOST', 'a host'],
    ['HOST', 'http://localhost'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['PORT', ' 80'],
    ['PORT', '1e3'],
    ['PROCESS_ROLE', 'workers'],
    ['MIGRATE_ON_START', 'yes'],
    ['DATABASE_POOL_SIZE', '0'],
    ['DATABASE_POOL_SIZE', '1001'],
    ['QUEUE_POOL_SIZE', '2'],
    ['DATA_DIR', 'a\0b'],
    ['QUEUE_BACKEND', 'rabbit'],
    ['CALLBACK_TIMEOUT_MS', '0'],
    ['CALLBACK_TIMEOUT_MS', '600001'],
    ['CALLBACK_CONCURRENCY', '0'],
    ['CALLBACK_RETRY_CONCURRENCY', '100001'],
    ['CALLBACK_ENDPOINT_CONCURRENCY', '0'],
    ['CALLBACK_MAX_RETRIES', '101'],
    ['CALLBACK_MAX_AGE_MS', '99999999999999999999'],
    ['CALLBACK_RETRY_DELAY_MS', '0'],
    ['CALLBACK_RETRY_MAX_DELAY_MS', '2592000001'],
    ['CALLBACK_CIRCUIT_FAILURES', '0'],
    ['CALLBACK_CIRCUIT_OPEN_MS', 'soon'],
    ['CALLBACK_ALLOW_HTTP', 'TRUE'],
    ['CALLBACK_ALLOWED_NETWORKS', '127.0.0.1'],
    ['CALLBACK_ALLOWED_NETWORKS', '127.0.0.0/33'],
    ['CALLBACK_ALLOWED_NETWORKS', '127.1/8'],
    ['CALLBACK_ALLOWED_NETWORKS', '10.0.0.0/8,everywhere'],
    ['CALLBACK_DISABLE_AFTER', '366d'],
    ['CALLBACK_DISABLE_AFTER', '1.5d'],
    ['CALLBACK_DISABLE_AFTER', '5 d'],
    ['CALLBACK_DISABLE_AFTER', '-1'],
    ['CALLBACK_DISABLE_AFTER', '2w'],
    ['CALLBACK_ALLOWED_PORTS', '0'],
    ['CALLBACK_ALLOWED_PORTS', '443-450'],
    ['CALLBACK_DNS_SERVERS', 'ns1.example.org'],
    ['CALLBACK_DNS_SERVERS', '10.0.0.2:0'],
    ['CALLBACK_DNS_SERVERS', '10.0.0.2:65536'],
    ['CALLBACK_DNS_SERVERS', '10.0.0.2,[fd00::2'],
    ['CALLBACK_DNS_SERVERS', '127.1'],
    ['CALLBACK_DEAD_LETTER_DAYS', '0'],
    ['LOG_LEVEL', 'verbose'],
    ['LOG_FORMAT', 'text'],
  ] as const)('refuses %s=%j, with the value and what is accepted', (name, value) => {
    const accepted = variables.get(name)?.setting.accepts.words.replaceAll('`', '');
    expect(complaints({ [name]: value })).toEqual([
      `${name}=${JSON.stringify(value)}: accepted is ${accepted}`,
    ]);
  });

  it.each([
    ['DATABASE_URL', 'mysql://user:hunter2@db/x'],
    ['DATABASE_URL', 'hunter2'],
    ['DATABASE_DIRECT_URL', 'hunter2'],
    ['REDIS_URL', 'http://:hunter2@cache'],
    ['API_TOKENS', 'hunter2 hunter2'],
    ['API_TOKENS', 'hünter2'],
    ['API_TOKENS', 'hunter2:everything'],
    ['API_TOKENS', 'hunter2:callbacks:read,hunter2:callbacks'],
    ['API_TOKENS', 'hunter2@a-service'],
    ['API_TOKENS', '@b5d5f5f0-0000-4000-8000-000000000000'],
    ['CALLBACK_PROXY_URL', 'socks5://user:hunter2@proxy'],
    ['CONSOLE_RUNBOOK_URL', 'javascript:alert(1)'],
    ['ALERT_WEBHOOK_URL', 'mailto:hunter2@example.com'],
    ['ALERT_WEBHOOK_TOKEN', 'hunter2 hunter2'],
    ['CALLBACK_ENCRYPTION_KEYS', 'hunter2'],
    ['CALLBACK_ENCRYPTION_KEYS', ','],
    ['CALLBACK_ENCRYPTION_KEYS', `kid.hunter2:${KEY}`],
    ['CALLBACK_ENCRYPTION_KEYS', `:${KEY}`],
    ['CALLBACK_ENCRYPTION_KEYS', `hunter2:${KEY.slice(4)}`],
    ['CALLBACK_ENCRYPTION_KEYS', `hunter2:${KEY} ${KEY}`],
    ['CALLBACK_ENCRYPTION_KEYS', `hunter2:${Buffer.alloc(32, 255).toString('base64url')}`],
    ['CALLBACK_ENCRYPTION_KEYS', `hunter2:${KEY},hunter2:${KEY}`],
  ] as const)('refuses %s=%j without showing it', (name, value) => {
    const lines = complaints({ [name]: value });
    expect(lines).toEqual([expect.stringMatching(`^${name}=\\*\\*\\*: accepted is `)]);
    expect(lines.join()).not.toMatch(/hunter2|hünter2/);
    expect(lines.join()).not.toContain(KEY);
  });

  it.each([
    ['DATABASE_URL', 'NODE_ENV=production', { ...PRODUCTION, DATABASE_URL: undefined }],
    ['API_TOKENS', 'NODE_ENV=production', { ...PRODUCTION, API_TOKENS: '' }],
    ['API_TOKENS', 'NODE_ENV=production', { ...PRODUCTION, API_TOKENS: ' , ' }],
    ['CALLBACK_ENCRYPTION_KEYS', 'NODE_ENV=production', { ...PRODUCTION, CALLBACK_ENCRYPTION_KEYS: '' }],
    ['DATABASE_URL', 'any but development and test', { ...PRODUCTION, NODE_ENV: 'prod', DATABASE_URL: '' }],
    ['API_TOKENS', 'at least 16 characters', { ...PRODUCTION, API_TOKENS: 'short' }],
    [
      'API_TOKENS',
      'at least 16 characters',
      { ...PRODUCTION, API_TOKENS: `${'x'.repeat(16)},short:callbacks:read` },
    ],
    ['DATABASE_URL', 'a PROCESS_ROLE other than all', { PROCESS_ROLE: 'api' }],
    ['DATABASE_URL', 'a PROCESS_ROLE other than all', { PROCESS_ROLE: 'worker' }],
    ['REDIS_URL', 'QUEUE_BACKEND=redis', { QUEUE_BACKEND: 'redis' }],
    ['DATABASE_DIRECT_URL', 'DATABASE_URL, which is not set', { DATABASE_DIRECT_URL: DATABASE_URL }],
    ['API_TOKENS', 'HOST is not a loopback address', { HOST: '0.0.0.0' }],
    ['API_TOKENS', 'HOST is not a loopback address', { HOST: '::' }],
    ['API_TOKENS', 'HOST is not a loopback address', { HOST: 'callbacks.internal' }],
    ['CALLBACK_MAX_AGE_MS', 'the retries take together', { CALLBACK_MAX_AGE_MS: '60000' }],
    ['CALLBACK_RETRY_MAX_DELAY_MS', 'CALLBACK_RETRY_DELAY_MS', { CALLBACK_RETRY_DELAY_MS: '43200001' }],
    [
      'CALLBACK_RETRY_MAX_DELAY_MS',
      'CALLBACK_RETRY_DELAY_MS',
      { CALLBACK_RETRY_DELAY_MS: '200', CALLBACK_RETRY_MAX_DELAY_MS: '199' },
    ],
  ])('blames %s when it goes against %s: %j', (name, reason, source) => {
    const lines = complaints(source);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^${name}\\b`));
    expect(lines[0]).toContain(reason);
  });

  it.each([
    ['CALLBACK_MAXRETRIES="9"', 'CALLBACK_MAX_RETRIES', { CALLBACK_MAXRETRIES: '9' }],
    ['CALLBACK_RETRY_DELY_MS="9"', 'CALLBACK_RETRY_DELAY_MS', { CALLBACK_RETRY_DELY_MS: '9' }],
    ['CALLBACK_ENCRYPTION_KEY=***', 'CALLBACK_ENCRYPTION_KEYS', { CALLBACK_ENCRYPTION_KEY: 'hunter2' }],
  ])('names %s as unknown, and suggests %s', (named, meant, source) => {
    expect(complaints(source)).toEqual([`${named}: there is no such setting; did you mean ${meant}?`]);
  });

  it('names an unknown variable of its own prefix that resembles none', () => {
    expect(complaints({ CALLBACK_URL: 'https://hunter2.example', NODE_ENVIRONMENT: 'x' })).toEqual([
      'CALLBACK_URL=***: there is no such setting',
    ]);
  });

  it('names three bad variables at once, each on a line of its own', () => {
    expect(complaints({ PORT: 'http', LOG_LEVEL: 'loud\nX=1', DATABASE_URL: 'hunter2' })).toEqual([
      'DATABASE_URL=***: accepted is a postgres:// or postgresql:// URL',
      'PORT="http": accepted is a whole number from 0 to 65535',
      'LOG_LEVEL="loud\\nX=1": accepted is trace, debug, info, warn, error, fatal, silent',
    ]);
  });

  it('applies the rules between valid variables even if others are bad, and reports each variable once', () => {
    const lines = complaints({
      ...PRODUCTION,
      PORT: 'http',
      PROCESS_ROLE: 'worker',
      DATABASE_URL: 'mysql://db',
      API_TOKENS: undefined,
      QUEUE_BACKEND: 'redis',
      CALLBACK_RETRY_DELAY_MS: 'soon',
      CALLBACK_RETRY_MAX_DELAY_MS: '1',
    });
    expect(lines.map((line) => /^\w+/.exec(line)?.[0])).toEqual([
      'DATABASE_URL',
      'PORT',
      'API_TOKENS',
      'REDIS_URL',
      'CALLBACK_RETRY_DELAY_MS',
    ]);
  });
});
