import type { Cluster, Redis, RedisOptions } from 'ioredis';
import {
  anyText,
  apiTokens,
  bearerToken,
  duration,
  encryptionKeys,
  flag,
  host,
  inCode,
  integer,
  nameServers,
  networks,
  oneOf,
  path,
  ports,
  proxyNetworks,
  url,
} from './accepted-values.js';
import { optional, setting } from './setting.js';

/**
 * Every setting, in one place: its names in code and in the environment, what it accepts, and its default. Its doc
 * comment describes it. Option types, validation, defaults and the table in docs/configuration.md come from here. A doc
 * comment ends with the default and what is accepted, for an editor; a test compares that with the setting.
 */

/** 30 days in ms: a greater number is a typing error. */
const MAX_MS = 30 * 24 * 60 * 60 * 1000;

/** Settings that several options depend on, for hosts and for the service; each has the name of its variable. */
export const ground = {
  /** In production, settings have no development defaults. */
  NODE_ENV: setting({
    accepts: anyText('`development`, `test`; any other value counts as `production`'),
    default: 'development',
  }),
  /** The database; required in production, and with a `PROCESS_ROLE` other than `all`. */
  DATABASE_URL: optional({
    accepts: url('postgres', 'postgresql'),
    defaultWords: 'embedded',
    isSecret: true,
  }),
  /**
   * A direct connection to the same database, without a pooler such as PgBouncer; for migrations and the PostgreSQL
   * queue.
   */
  DATABASE_DIRECT_URL: optional({
    accepts: url('postgres', 'postgresql'),
    defaultWords: '`DATABASE_URL`',
    isSecret: true,
  }),
  /** Bring the schema up to date at start; `false`: an outdated schema is an error. */
  MIGRATE_ON_START: setting({
    accepts: flag(),
    default: ({ isProduction }) => !isProduction,
    defaultWords: '`true`, in production `false`',
  }),
  /** Directory of the embedded PostgreSQL and of generated development keys. */
  DATA_DIR: setting({ accepts: path(), default: '.data' }),
  /** PEM certificates that are trusted beside the system's. */
  CALLBACK_EXTRA_CA_FILE: optional({ accepts: path() }),
};

/** Settings of the service only, by their variables: a host may use these for itself. */
export const service = {
  /** Address to listen on. */
  HOST: setting({ accepts: host(), default: '127.0.0.1' }),
  /** Port to listen on; 0 picks a free one, which the log line `service.listening` names. */
  PORT: setting({ accepts: integer(0, 65535), default: 3000 }),
  /** What this process does: the REST API (`api`), the delivery (`worker`), or both. */
  PROCESS_ROLE: setting({ accepts: oneOf('all', 'api', 'worker'), default: 'all' }),
  /** Connections of TypeORM's pool. */
  DATABASE_POOL_SIZE: setting({ accepts: integer(1, 1000), default: 10 }),
  /** Bearer tokens of the REST API; required in production and when `HOST` is not loopback. */
  API_TOKENS: setting({ accepts: apiTokens(), default: [], isSecret: true }),
  /** Requests a minute for each token, or for each address without a token, in each process; 0: no limit. */
  API_RATE_LIMIT: setting({ accepts: integer(0, 100_000_000), default: 120_000 }),
  /**
   * Proxies in front of the service. Their `X-Forwarded-For` names the client for `API_RATE_LIMIT` and the console's
   * sign-in limit. List no network that has clients: they could forge the header.
   */
  TRUSTED_PROXIES: setting({
    accepts: proxyNetworks(),
    default: [],
    defaultWords: 'none: the address that connects',
  }),
  /** Serve the console at `/console`, in processes that serve the REST API. */
  CONSOLE: setting({ accepts: flag(), default: true }),
  /** Runbook of the operators; each page of the console links to it in its footer. */
  CONSOLE_RUNBOOK_URL: optional({ accepts: url('http', 'https') }),
  /** The least severe level that is logged. */
  LOG_LEVEL: setting({
    accepts: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
  }),
  /** JSON lines, or the same lines in a readable form. */
  LOG_FORMAT: setting({
    accepts: oneOf('json', 'pretty'),
    default: ({ isTerminal }) => (isTerminal ? 'pretty' : 'json'),
    defaultWords: '`pretty` on a terminal, else `json`',
  }),
};

/** How fast a dead worker is noticed. */
export const queueTiming = {
  /**
   * How long the lock of a job lasts; its worker renews it after a third of that. Default `30000`; a whole number of ms
   * from 500 to 600000.
   */
  lockDurationMs: setting({
    variable: 'QUEUE_LOCK_DURATION_MS',
    accepts: integer(500, 600_000, 'ms'),
    default: 30_000,
  }),
  /**
   * Interval of the search for stalled jobs, whose locks have expired. Default `15000`; a whole number of ms from 100
   * to 600000.
   */
  stalledIntervalMs: setting({
    variable: 'QUEUE_STALLED_INTERVAL_MS',
    accepts: integer(100, 600_000, 'ms'),
    default: 15_000,
  }),
};

/** Options of `queue`. */
export const queueBackend = {
  /** What the queues run on. Required; `postgres`, `redis`. */
  backend: setting({
    variable: 'QUEUE_BACKEND',
    accepts: oneOf('postgres', 'redis'),
    default: 'postgres',
    isRequired: true,
  }),
};

/** The others, by `backend`. */
export const queues = {
  postgres: {
    /**
     * Database of the PostgreSQL queue; if there is a pooler, a direct connection to it. Default `DATABASE_DIRECT_URL`,
     * in code the database of the `DataSource`; a `postgres://` or `postgresql://` URL.
     */
    url: optional({
      variable: 'QUEUE_DATABASE_URL',
      accepts: url('postgres', 'postgresql'),
      defaultWords: '`DATABASE_DIRECT_URL`, in code the database of the `DataSource`',
      isSecret: true,
    }),
    /**
     * Connections of the queue's own pool; each worker keeps one of them to listen. Default `10`; a whole number from 3
     * to 1000.
     */
    poolSize: setting({ variable: 'QUEUE_POOL_SIZE', accepts: integer(3, 1000), default: 10 }),
    /**
     * Bring BullMQ's schema up to date at start; `false`: an outdated schema is an error. Default `true`; `true`,
     * `false`.
     */
    migrate: setting({ accepts: flag(), default: true }),
    ...queueTiming,
  },
  redis: {
    /**
     * Redis, password included; required with `QUEUE_BACKEND=redis`, unless code gives `connect`. Default none; a
     * `redis://` or `rediss://` URL.
     */
    url: optional({ variable: 'REDIS_URL', accepts: url('redis', 'rediss'), isSecret: true }),
    /**
     * Makes the clients in place of `url`, for Sentinel, Cluster or custom TLS. It must keep the options that it gets.
     * Default none; a function that makes a client of ioredis.
     */
    connect: optional({
      accepts: inCode<(options: RedisOptions) => Redis | Cluster>(
        'a function that makes a client of ioredis',
        (value) => typeof value === 'function',
      ),
    }),
    /** BullMQ's key prefix; on a cluster it needs a hash tag, such as `{bull}`. Default `bull`; a text. */
    prefix: setting({ accepts: anyText('a text'), default: 'bull' }),
    ...queueTiming,
  },
};

export const keys = {
  /**
   * Encryption keys: the first encrypts, all decrypt. Required in production and in code. Required; a list of
   * `kid:base64(32 bytes)`, each kid once and of letters, digits, `_` and `-`.
   */
  encryptionKeys: setting({
    variable: 'CALLBACK_ENCRYPTION_KEYS',
    accepts: encryptionKeys(),
    default: [],
    defaultWords: 'generated in `DATA_DIR`',
    isSecret: true,
    isRequired: true,
  }),
};

export const sections = {
  delivery: {
    /**
     * Total time of one attempt, from the DNS lookup to the last byte read. Default `5000`; a whole number of ms from 1
     * to 600000.
     */
    timeoutMs: setting({
      variable: 'CALLBACK_TIMEOUT_MS',
      accepts: integer(1, 600_000, 'ms'),
      default: 5_000,
    }),
    /**
     * Permits for first attempts in each process: the most callbacks that it works on at once. Default `2000`; a whole
     * number from 1 to 100000.
     */
    concurrency: setting({
      variable: 'CALLBACK_CONCURRENCY',
      accepts: integer(1, 100_000),
      default: 2_000,
    }),
    /** Permits for later attempts in each process. Default `500`; a whole number from 1 to 100000. */
    retryConcurrency: setting({
      variable: 'CALLBACK_RETRY_CONCURRENCY',
      accepts: integer(1, 100_000),
      default: 500,
    }),
    /**
     * The most attempts in flight for each endpoint, in each process. Default `500`; a whole number from 1 to 100000.
     */
    endpointConcurrency: setting({
      variable: 'CALLBACK_ENDPOINT_CONCURRENCY',
      accepts: integer(1, 100_000),
      default: 500,
    }),
    /**
     * The HTTP client: `http-service` runs a host's axios interceptors, `undici` is faster. Default `http-service`;
     * `http-service`, `undici`.
     */
    transport: setting({
      variable: 'CALLBACK_TRANSPORT',
      accepts: oneOf('http-service', 'undici'),
      default: 'http-service',
    }),
    /** Retries: attempts after the first. Default `5`; a whole number from 0 to 100. */
    maxRetries: setting({ variable: 'CALLBACK_MAX_RETRIES', accepts: integer(0, 100), default: 5 }),
    /**
     * The age at which a scheduled or held callback is given up (3 days by default). Default `259200000`; a whole number
     * of ms from 1 to 2592000000.
     */
    maxAgeMs: setting({
      variable: 'CALLBACK_MAX_AGE_MS',
      accepts: integer(1, MAX_MS, 'ms'),
      default: 259_200_000,
    }),
    /**
     * Delay before the first retry. It doubles with each retry, and is multiplied by a random factor from ½ to 1.
     * Default `300000`; a whole number of ms from 1 to 2592000000.
     */
    retryDelayMs: setting({
      variable: 'CALLBACK_RETRY_DELAY_MS',
      accepts: integer(1, MAX_MS, 'ms'),
      default: 300_000,
    }),
    /**
     * The longest delay before a retry, even if `Retry-After` is longer; at least `CALLBACK_RETRY_DELAY_MS`. Default
     * `43200000`; a whole number of ms from 1 to 2592000000.
     */
    retryMaxDelayMs: setting({
      variable: 'CALLBACK_RETRY_MAX_DELAY_MS',
      accepts: integer(1, MAX_MS, 'ms'),
      default: 43_200_000,
    }),
    /**
     * The most callbacks of a job; with few permits a quarter of these, but at least 8. Default `100`; a whole number
     * from 1 to 1000.
     */
    batchSize: setting({ variable: 'CALLBACK_BATCH_SIZE', accepts: integer(1, 1_000), default: 100 }),
    /**
     * Failures in a row that open an endpoint's circuit. For timeouts it is a third of that, but at least six. Default
     * `20`; a whole number from 1 to 100000.
     */
    circuitFailures: setting({
      variable: 'CALLBACK_CIRCUIT_FAILURES',
      accepts: integer(1, 100_000),
      default: 20,
    }),
    /**
     * The time from the opening of a circuit to the first probe. The interval then doubles, up to ten minutes. Default
     * `30000`; a whole number of ms from 1 to 2592000000.
     */
    circuitOpenMs: setting({
      variable: 'CALLBACK_CIRCUIT_OPEN_MS',
      accepts: integer(1, MAX_MS, 'ms'),
      default: 30_000,
    }),
    /**
     * After a rotation, requests are also signed with the previous secret for this long (24 h by default). Default
     * `86400000`; a whole number of ms from 0 to 2592000000.
     */
    signingOverlapMs: setting({
      variable: 'CALLBACK_SIGNING_OVERLAP_MS',
      accepts: integer(0, MAX_MS, 'ms'),
      default: 86_400_000,
    }),
    /**
     * Send `traceparent` (W3C Trace Context) with each callback, if the host records traces. Default `false`; `true`,
     * `false`.
     */
    traceparent: setting({ variable: 'CALLBACK_TRACEPARENT', accepts: flag(), default: false }),
  },

  /** Which callback URLs are accepted. */
  addresses: {
    /** Accept callback URLs with plain `http`. Default `false`; `true`, `false`. */
    allowHttp: setting({ variable: 'CALLBACK_ALLOW_HTTP', accepts: flag(), default: false }),
    /**
     * Networks exempt from the private-address rule, on any port. Default none; a list of networks in CIDR notation
     * (`127.0.0.0/8`, `fd00::/8`).
     */
    allowedNetworks: setting({
      variable: 'CALLBACK_ALLOWED_NETWORKS',
      accepts: networks(),
      default: [],
    }),
    /**
     * Ports of callback URLs beside 443 (and 80 with `CALLBACK_ALLOW_HTTP`). Default none; a list of ports from 1 to
     * 65535.
     */
    allowedPorts: setting({ variable: 'CALLBACK_ALLOWED_PORTS', accepts: ports(), default: [] }),
  },

  /** How requests leave this process. */
  egress: {
    /** PEM certificates that are trusted beside the system's. Default none; PEM certificates. */
    extraCa: optional({ accepts: anyText('PEM certificates') }),
    /**
     * Forward proxy of all callbacks. It gets checked addresses, never names. Default none; `HTTP_PROXY` and similar
     * variables are ignored; a `http://` or `https://` URL.
     */
    proxyUrl: optional({
      variable: 'CALLBACK_PROXY_URL',
      accepts: url('http', 'https'),
      defaultWords: 'none; `HTTP_PROXY` and similar variables are ignored',
      isSecret: true,
    }),
    /**
     * Name servers for the hosts of callback URLs, in place of the system's; `/etc/hosts` comes first. Default the
     * system's; a list of name servers (`10.0.0.2`, `127.0.0.1:5353`, `[fd00::2]:53`).
     */
    dnsServers: setting({
      variable: 'CALLBACK_DNS_SERVERS',
      accepts: nameServers(),
      default: [],
      defaultWords: "the system's",
    }),
  },

  record: {
    /**
     * How long the same news about the same subject is one callback. Default `24`; a whole number of hours from 1 to
     * 8760.
     */
    idempotencyHours: setting({
      variable: 'CALLBACK_IDEMPOTENCY_HOURS',
      accepts: integer(1, 8_760, 'hours'),
      default: 24,
    }),
    /**
     * How long the payload of a delivered callback is kept for replay; 0: not at all. The payload of a callback that
     * was given up is kept for `CALLBACK_DEAD_LETTER_DAYS`. Default `7`; a whole number of days from 0 to 3650.
     */
    payloadDays: setting({
      variable: 'CALLBACK_PAYLOAD_DAYS',
      accepts: integer(0, 3_650, 'days'),
      default: 7,
    }),
  },

  deadLetters: {
    /**
     * How long a callback that was given up is kept for replay. Default `30`; a whole number of days from 1 to 3650.
     */
    retentionDays: setting({
      variable: 'CALLBACK_DEAD_LETTER_DAYS',
      accepts: integer(1, 3_650, 'days'),
      default: 30,
    }),
    /**
     * The most replays a second, over all processes, when many are requested at once. Default `50`; a whole number from
     * 1 to 10000.
     */
    replaysPerSecond: setting({
      variable: 'CALLBACK_REPLAY_RATE',
      accepts: integer(1, 10_000),
      default: 50,
    }),
  },

  deliveryLog: {
    /**
     * Which delivered callbacks are shown: all, only those with a failed attempt (`failures`), or none (`off`). The
     * others are deleted after the idempotency window. Figures are always kept. Default `all`; `all`, `failures`,
     * `off`.
     */
    keep: setting({
      variable: 'CALLBACK_DELIVERY_LOG',
      accepts: oneOf('all', 'failures', 'off'),
      default: 'all',
    }),
    /** How long the record of a finished callback is kept. Default `30`; a whole number of days from 1 to 3650. */
    retentionDays: setting({
      variable: 'CALLBACK_DELIVERY_LOG_DAYS',
      accepts: integer(1, 3_650, 'days'),
      default: 30,
    }),
  },

  endpointHealth: {
    /**
     * An endpoint without a success for this long and for at least 100 attempts is disabled; 0: failures disable none.
     * Default `432000000`; a whole number of ms from 0 to 31536000000.
     */
    disableAfterMs: setting({
      variable: 'CALLBACK_DISABLE_AFTER',
      accepts: duration(365),
      default: 432_000_000,
      defaultWords: '`5d`',
    }),
  },

  /** Where operators are informed. */
  alerts: {
    /**
     * A callback URL for alerts to operators: an endpoint is warned, disabled or enabled, or has recovered. Required; a
     * `https://` or `http://` URL.
     */
    url: optional({
      variable: 'ALERT_WEBHOOK_URL',
      accepts: url('https', 'http'),
      isSecret: true,
      isRequired: true,
    }),
    /** Bearer token for `ALERT_WEBHOOK_URL`. Default none; visible ASCII characters. */
    token: optional({ variable: 'ALERT_WEBHOOK_TOKEN', accepts: bearerToken(), isSecret: true }),
  },
};
