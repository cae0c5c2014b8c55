import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DisabledEndpoints } from './disabled-endpoints.js';
import type { EndpointStateRepository } from './endpoint-state.repository.js';

/** A database that answers what it is told to, or is away. */
class Database {
  ids: readonly string[] | 'away' = [];

  async disabledIds(): Promise<string[]> {
    if (this.ids === 'away') throw new Error('the database is away');
    return [...this.ids];
  }
}

describe('DisabledEndpoints', () => {
  const database = new Database();
  let running: DisabledEndpoints | undefined;

  afterEach(() => running?.beforeApplicationShutdown());

  /** As after a start. */
  async function start(): Promise<DisabledEndpoints> {
    Logger.overrideLogger(false);
    running = new DisabledEndpoints(database as unknown as EndpointStateRepository);
    await running.onModuleInit();
    return running;
  }

  it('knows before the first job which are disabled', async () => {
    database.ids = ['a'];
    const disabled = await start();
    expect([disabled.has('a'), disabled.has('b')]).toEqual([true, false]);
  });

  it('starts without a database, and then holds none for disabled', async () => {
    database.ids = 'away';
    expect((await start()).has('a')).toBe(false);
  });

  it('keeps what it knew while the database is away', async () => {
    database.ids = ['a'];
    const disabled = await start();
    database.ids = 'away';
    await disabled.onModuleInit();
    expect(disabled.has('a')).toBe(true);
    database.ids = [];
    await disabled.onModuleInit();
    expect(disabled.has('a')).toBe(false);
  });
});
