export class UnsafeRedisError extends Error {
  constructor(policy: string) {
    super(
      `Redis has maxmemory-policy ${policy}: it would drop callbacks when it is full. ` +
        'Set it to noeviction (redis.conf, or CONFIG SET maxmemory-policy noeviction).',
    );
    this.name = 'UnsafeRedisError';
  }
}
