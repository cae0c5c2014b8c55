import {
  apiTokens,
  bearerToken,
  duration,
  encryptionKeys,
  flag,
  host,
  integer,
  nameServers,
  networks,
  oneOf,
  path,
  ports,
  proxyNetworks,
  url,
} from './accepted-values.js';
import { optional, variable, variableByContext, variableList, type Variable } from './variable.js';

/** 30 days in ms: longer than this, a number is a slip of the hand. */
const MAX_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * The whole environment. The one place where a variable is named, explained, limited and given its default:
 * `Env`, its validation and the README's table all come from here.
 */
export const variables = {
  NODE_ENV: variable({
    description: 'In production no development default is accepted',
    accepts: oneOf('development', 'test', 'production'),
    default: 'development',
  }),
  HOST: variable({
    description: 'Address to listen on',
    accepts: host(),
    default: '127.0.0.1',
  }),
  PORT: variable({
    description: 'Port to listen on; 0 picks a free one, which the log line `service.listening` names',
    accepts: integer(0, 65535),
    default: 3000,
  }),
  PROCESS_ROLE: variable({
    description: 'What this process does: the REST API, the delivery, or both',
    accepts: oneOf('all', 'api', 'worker'),
    default: 'all',
  }),
  DATABASE_URL: optional({
    description: 'PostgreSQL; required in production and with a `PROCESS_ROLE` other than `all`',
    accepts: url('postgres', 'postgresql'),
    defaultWords: 'embedded',
    secret: true,
  }),
  DATABASE_DIRECT_URL: optional({
    description:
      'The same database without a pooler such as PgBouncer in between: for migrations and the PostgreSQL queue',
    accepts: url('postgres', 'postgresql'),
    defaultWords: '`DATABASE_URL`',
    secret: true,
  }),
  MIGRATE_ON_START: variableByContext({
    description: 'Bring the schema up to date before anything starts; `false`: an outdated one is an error',
    accepts: flag(),
    defaultOf: ({ isProduction }) => !isProduction,
    defaultWords: '`true`, in production `false`',
  }),
  DATABASE_POOL_SIZE: variable({
    description: "Connections of TypeORM's pool",
    accepts: integer(1, 1000),
    default: 10,
  }),
  QUEUE_POOL_SIZE: variable({
    description: "Connections of the queue's own pool, its listeners among them (PostgreSQL queue only)",
    accepts: integer(3, 1000),
    default: 10,
  }),
  DATA_DIR: variable({
    description: 'Where the embedded PostgreSQL and generated development keys are kept',
    accepts: path(),
    default: '.data',
  }),
  QUEUE_BACKEND: variable({
    description: 'What the queues run on',
    accepts: oneOf('postgres', 'redis'),
    default: 'postgres',
  }),
  REDIS_URL: optional({
    description: 'Redis; required with `QUEUE_BACKEND=redis`',
    accepts: url('redis', 'rediss'),
    defaultWords: 'none',
    secret: true,
  }),
  QUEUE_DATABASE_URL: optional({
    description: 'PostgreSQL of the queue, where it is to have a database of its own',
    accepts: url('postgres', 'postgresql'),
    defaultWords: '`DATABASE_DIRECT_URL`',
    secret: true,
  }),
  QUEUE_LOCK_DURATION_MS: variable({
    description: 'How long a worker may be silent before its jobs become another’s; renewed at a third of it',
    accepts: integer(500, 600_000),
    default: 30_000,
  }),
  QUEUE_STALLED_INTERVAL_MS: variable({
    description: 'How often the jobs of silent workers are looked for',
    accepts: integer(100, 600_000),
    default: 15_000,
  }),
  API_TOKENS: variableList({
    description: 'Bearer tokens of the REST API; required in production and when `HOST` is not loopback',
    accepts: apiTokens(),
    secret: true,
  }),
  API_RATE_LIMIT: variable({
    description: 'Requests a minute, per token or else per address, and per process; 0: no limit',
    accepts: integer(0, 100_000_000),
    default: 120_000,
  }),
  TRUSTED_PROXIES: variableList({
    description:
      'Proxies in front of the service: what they say in `X-Forwarded-For` is whose address is limited (`API_RATE_LIMIT`, guesses at the console). No network with clients in it: they could say anything',
    accepts: proxyNetworks(),
    defaultWords: 'none: the address that connects',
  }),
  CONSOLE: variable({
    description: 'Serve the console at `/console`, where the REST API is served',
    accepts: flag(),
    default: true,
  }),
  CALLBACK_ENCRYPTION_KEYS: variableList({
    description: 'The first encrypts, all decrypt; required in production',
    accepts: encryptionKeys(),
    defaultWords: 'generated in `DATA_DIR`',
    secret: true,
  }),
  CALLBACK_TIMEOUT_MS: variable({
    description: 'Total time of one attempt, from the DNS lookup to the last byte read',
    accepts: integer(1, 600_000),
    default: 5_000,
  }),
  CALLBACK_CONCURRENCY: variable({
    description: 'Callbacks of first attempts in hand per process',
    accepts: integer(1, 100_000),
    default: 2_000,
  }),
  CALLBACK_RETRY_CONCURRENCY: variable({
    description: 'Callbacks of later attempts in hand per process',
    accepts: integer(1, 100_000),
    default: 500,
  }),
  CALLBACK_ENDPOINT_CONCURRENCY: variable({
    description: 'Attempts in flight per endpoint per process',
    accepts: integer(1, 100_000),
    default: 500,
  }),
  CALLBACK_TRANSPORT: variable({
    description:
      "What carries an attempt: `http-service`, which a host's axios interceptors see, or undici alone, which is faster",
    accepts: oneOf('http-service', 'undici'),
    default: 'http-service',
  }),
  CALLBACK_MAX_RETRIES: variable({
    description: 'Attempts after the first',
    accepts: integer(0, 100),
    default: 5,
  }),
  CALLBACK_MAX_AGE_MS: variable({
    description: 'Past it a deferred or retrying callback is given up (default: 3 days)',
    accepts: integer(1, MAX_MS),
    default: 259_200_000,
  }),
  CALLBACK_RETRY_DELAY_MS: variable({
    description: 'Delay before the first retry, doubled for each later one; half of it is chance',
    accepts: integer(1, MAX_MS),
    default: 300_000,
  }),
  CALLBACK_RETRY_MAX_DELAY_MS: variable({
    description: 'No delay is longer, whatever `Retry-After` asks for; at least `CALLBACK_RETRY_DELAY_MS`',
    accepts: integer(1, MAX_MS),
    default: 43_200_000,
  }),
  CALLBACK_BATCH_SIZE: variable({
    description: 'Callbacks a job at most',
    accepts: integer(1, 1_000),
    default: 32,
  }),
  CALLBACK_IDEMPOTENCY_HOURS: variable({
    description: 'For how long the same news about the same subject is one callback',
    accepts: integer(1, 8_760),
    default: 24,
  }),
  CALLBACK_PAYLOAD_DAYS: variable({
    description:
      'How long the sealed payload of a delivered callback is kept for replay; 0: not at all. That of one that was given up is kept for `CALLBACK_DEAD_LETTER_DAYS`',
    accepts: integer(0, 3_650),
    default: 7,
  }),
  CALLBACK_CIRCUIT_FAILURES: variable({
    description:
      "Failures in a row that open an endpoint's circuit; of timeouts a third as many, but no fewer than six",
    accepts: integer(1, 100_000),
    default: 20,
  }),
  CALLBACK_CIRCUIT_OPEN_MS: variable({
    description:
      'How long an endpoint whose circuit opens gets nothing before the first probe; the interval doubles up to ten minutes',
    accepts: integer(1, MAX_MS),
    default: 30_000,
  }),
  CALLBACK_ALLOW_HTTP: variable({
    description: 'Accept callback URLs with plain `http`',
    accepts: flag(),
    default: false,
  }),
  CALLBACK_ALLOWED_NETWORKS: variableList({
    description: 'Networks exempt from the private-address rule, on any port',
    accepts: networks(),
  }),
  CALLBACK_ALLOWED_PORTS: variableList({
    description: 'Ports of callback URLs beside 443 (and 80 with `CALLBACK_ALLOW_HTTP`)',
    accepts: ports(),
  }),
  CALLBACK_EXTRA_CA_FILE: optional({
    description: "PEM certificates trusted beside the system's",
    accepts: path(),
    defaultWords: 'none',
  }),
  CALLBACK_PROXY_URL: optional({
    description: 'Forward proxy of all callbacks; it is asked for vetted addresses, never for names',
    accepts: url('http', 'https'),
    defaultWords: 'none; `HTTP_PROXY` and its like are ignored',
    secret: true,
  }),
  CALLBACK_DNS_SERVERS: variableList({
    description: 'The only name servers that are asked, after `/etc/hosts`, for the hosts of callback URLs',
    accepts: nameServers(),
    defaultWords: "the system's",
  }),
  CALLBACK_SIGNING_OVERLAP_MS: variable({
    description:
      'How long after a rotation requests are signed with the secret before as well (default: 24 h)',
    accepts: integer(0, MAX_MS),
    default: 86_400_000,
  }),
  CALLBACK_DEAD_LETTER_DAYS: variable({
    description: 'How long a callback that was given up is kept for replay',
    accepts: integer(1, 3650),
    default: 30,
  }),
  CALLBACK_DELIVERY_LOG: variable({
    description:
      'Which delivered callbacks are shown: all, those that did not get a 2xx at once, or none. The others are deleted after the idempotency window; figures are kept in any case',
    accepts: oneOf('all', 'failures', 'off'),
    default: 'all',
  }),
  CALLBACK_DELIVERY_LOG_DAYS: variable({
    description: 'How many days the record of a finished callback is kept',
    accepts: integer(1, 3650),
    default: 30,
  }),
  CALLBACK_REPLAY_RATE: variable({
    description:
      'How many replays are queued a second at most, over all processes, when many are asked for at once',
    accepts: integer(1, 10_000),
    default: 50,
  }),
  CALLBACK_DISABLE_AFTER: variable({
    description:
      'An endpoint without one success for so long, and 100 attempts at least, is disabled; 0: not for that',
    accepts: duration(365),
    default: 432_000_000,
    defaultText: '5d',
  }),
  CALLBACK_TRACEPARENT: variable({
    description: 'Send `traceparent` (W3C Trace Context) with each callback, where the host traces',
    accepts: flag(),
    default: false,
  }),
  ALERT_WEBHOOK_URL: optional({
    description:
      'Where operators are informed of endpoints that are warned, disabled, enabled or well again; a callback URL like any',
    accepts: url('https', 'http'),
    defaultWords: 'none',
    secret: true,
  }),
  ALERT_WEBHOOK_TOKEN: optional({
    description: 'Bearer token for `ALERT_WEBHOOK_URL`',
    accepts: bearerToken(),
    defaultWords: 'none',
    secret: true,
  }),
  LOG_LEVEL: variable({
    description: 'The least severe level that is logged',
    accepts: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
  }),
  LOG_FORMAT: variableByContext({
    description: 'JSON lines, or the same for human eyes',
    accepts: oneOf('json', 'pretty'),
    defaultOf: ({ isTerminal }) => (isTerminal ? 'pretty' : 'json'),
    defaultWords: '`pretty` on a terminal, else `json`',
  }),
} satisfies Record<string, Variable<unknown>>;

export type VariableName = keyof typeof variables;

type ValueOf<V> = V extends Variable<infer T> ? T : never;

/** The environment as the rest of the code sees it: complete, typed and frozen. */
export type Env = { readonly [Name in VariableName]: ValueOf<(typeof variables)[Name]> };
