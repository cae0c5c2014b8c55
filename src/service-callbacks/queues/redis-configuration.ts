import type { Cluster, Redis } from 'ioredis';
import { UnsafeRedisError } from './errors.js';

export interface RedisCheck {
  /** Why this Redis must not hold callbacks. */
  readonly refusal?: UnsafeRedisError;
  /** What an operator should know about it. */
  readonly warning?: string;
}

const UNKNOWN =
  'Redis does not let its configuration be read: make sure that maxmemory-policy is noeviction and that it persists';
const NOT_PERSISTENT =
  'Redis keeps nothing on disk (appendonly no, save ""): after its restart, the safety sweep adds its jobs again';

/** A Redis that evicts keys loses callbacks; one that keeps nothing on disk is only warned of. */
export async function checkRedisConfiguration(redis: Redis | Cluster): Promise<RedisCheck> {
  const settings = await readSettings(redis);
  if (!settings) return { warning: UNKNOWN };
  const policy = settings.get('maxmemory-policy') ?? 'noeviction';
  if (policy !== 'noeviction') return { refusal: new UnsafeRedisError(policy) };
  const persists = settings.get('appendonly') === 'yes' || (settings.get('save') ?? '') !== '';
  return persists ? {} : { warning: NOT_PERSISTENT };
}

/** Undefined if CONFIG is forbidden, as on managed Redis services. */
async function readSettings(redis: Redis | Cluster): Promise<ReadonlyMap<string, string> | undefined> {
  const settings = new Map<string, string>();
  for (const name of ['maxmemory-policy', 'appendonly', 'save']) {
    try {
      const [, value] = (await redis.config('GET', name)) as [string?, string?];
      if (value !== undefined) settings.set(name, value);
    } catch (error) {
      if (isRefused(error)) return undefined;
      throw error;
    }
  }
  return settings;
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && /NOPERM|unknown command/i.test(error.message);
}
