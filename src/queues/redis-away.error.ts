export class RedisAwayError extends Error {
  constructor() {
    super('Redis does not answer; callbacks wait in the outbox');
    this.name = 'RedisAwayError';
  }
}
