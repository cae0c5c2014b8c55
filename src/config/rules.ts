import ipaddr from 'ipaddr.js';
import { MIN_TOKEN_LENGTH } from '../http/api-tokens/api-token.js';
import type { Env, VariableName } from './variables.js';

/**
 * A rule between settings, by the names of their variables. An invalid setting is absent from the values: a rule that
 * needs it does not apply. A rule reports one setting.
 */
interface Rule {
  readonly blames: VariableName;
  /** Only for the service, not for hosts of the module. */
  readonly ofService?: true;
  /** The reason; the message has it after the value. */
  readonly reason: string;
  readonly isBroken: (env: Partial<Env>) => boolean;
}

const IN_PRODUCTION = 'with NODE_ENV=production (or any but development and test)';

const rules: readonly Rule[] = [
  {
    blames: 'DATABASE_URL',
    ofService: true,
    reason: `required ${IN_PRODUCTION}`,
    isBroken: (env) => isProduction(env) && env.DATABASE_URL === undefined,
  },
  {
    blames: 'DATABASE_URL',
    ofService: true,
    reason: 'required with a PROCESS_ROLE other than all: the embedded database belongs to one process',
    isBroken: ({ PROCESS_ROLE = 'all', DATABASE_URL }) =>
      PROCESS_ROLE !== 'all' && DATABASE_URL === undefined,
  },
  {
    blames: 'DATABASE_DIRECT_URL',
    ofService: true,
    reason: 'the direct way to the database of DATABASE_URL, which is not set',
    isBroken: ({ DATABASE_URL, DATABASE_DIRECT_URL }) =>
      DATABASE_URL === undefined && DATABASE_DIRECT_URL !== undefined,
  },
  {
    blames: 'REDIS_URL',
    reason: 'required with QUEUE_BACKEND=redis',
    isBroken: ({ QUEUE_BACKEND, REDIS_URL }) => QUEUE_BACKEND === 'redis' && REDIS_URL === undefined,
  },
  {
    blames: 'API_TOKENS',
    ofService: true,
    reason: `required ${IN_PRODUCTION}`,
    isBroken: (env) => isProduction(env) && isEmpty(env.API_TOKENS),
  },
  {
    blames: 'API_TOKENS',
    ofService: true,
    reason: 'required when HOST is not a loopback address',
    isBroken: ({ HOST, API_TOKENS }) => HOST !== undefined && !isLoopback(HOST) && isEmpty(API_TOKENS),
  },
  {
    blames: 'API_TOKENS',
    ofService: true,
    reason:
      `a token has at least ${MIN_TOKEN_LENGTH} characters ${IN_PRODUCTION}, because a shorter one can be guessed: ` +
      '`openssl rand -base64 32` makes one',
    isBroken: (env) => isProduction(env) && env.API_TOKENS?.some(isShort) === true,
  },
  {
    blames: 'CALLBACK_ENCRYPTION_KEYS',
    reason: `required ${IN_PRODUCTION}`,
    isBroken: (env) => isProduction(env) && isEmpty(env.CALLBACK_ENCRYPTION_KEYS),
  },
  {
    blames: 'CALLBACK_RETRY_MAX_DELAY_MS',
    reason: 'must not be less than CALLBACK_RETRY_DELAY_MS',
    isBroken: ({ CALLBACK_RETRY_DELAY_MS: first, CALLBACK_RETRY_MAX_DELAY_MS: longest }) =>
      first !== undefined && longest !== undefined && longest < first,
  },
  {
    blames: 'CALLBACK_MAX_AGE_MS',
    reason:
      'must not be less than the retries take together (CALLBACK_MAX_RETRIES, CALLBACK_RETRY_DELAY_MS, CALLBACK_RETRY_MAX_DELAY_MS)',
    isBroken: ({ CALLBACK_MAX_AGE_MS: maxAge, ...env }) => maxAge !== undefined && maxAge < retriesTake(env),
  },
];

/** The first broken rule of each setting. */
export function brokenRules(env: Partial<Env>, { isHost }: { readonly isHost: boolean }): readonly Rule[] {
  const broken = rules.filter(
    ({ blames, ofService, isBroken }) => blames in env && !(isHost && ofService === true) && isBroken(env),
  );
  return broken.filter(({ blames }, index) => broken.findIndex((rule) => rule.blames === blames) === index);
}

/** The time from a callback's first attempt to its last, ms, without `Retry-After`; 0 if a setting is invalid. */
function retriesTake({
  CALLBACK_MAX_RETRIES: maxRetries,
  CALLBACK_RETRY_DELAY_MS: baseDelayMs,
  CALLBACK_RETRY_MAX_DELAY_MS: maxDelayMs,
}: Partial<Env>): number {
  if (maxRetries === undefined || baseDelayMs === undefined || maxDelayMs === undefined) return 0;
  const delays = Array.from({ length: maxRetries }, (_, retry) =>
    Math.min(maxDelayMs, baseDelayMs * 2 ** retry),
  );
  return delays.reduce((total, delay) => total + delay, 0);
}

/** True unless the environment is known to be for development: a staging environment is open to others too. */
export function isProduction({ NODE_ENV = '' }: { readonly NODE_ENV?: string | undefined }): boolean {
  return !['', 'development', 'test'].includes(NODE_ENV);
}

/** The token of an `API_TOKENS` entry, which is followed by its service and its scopes. */
function isShort(entry: string): boolean {
  return entry.search(/[@:]|$/) < MIN_TOKEN_LENGTH;
}

function isEmpty(list: readonly string[] | undefined): boolean {
  return list === undefined || list.length === 0;
}

function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}
