import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConsoleAccess, ConsoleModule } from '../../src/console/console.module.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { API_SCOPES, type Caller } from '../../src/http/api-tokens/api-token.js';
import { optionsFromEnv } from '../../src/service-callbacks/options-from-env.js';
import { ServiceCallbacksModule } from '../../src/service-callbacks/service-callbacks.module.js';
import { serviceEntities } from '../../src/service-entities.js';
import { ConsoleClient } from '../support/console-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { insertGivenUp } from '../support/given-up.js';
import { TEST_ENVIRONMENT } from '../support/service.js';

/** The host knows its people itself. */
class HostAccess implements ConsoleAccess {
  readonly areRequired = true;

  callerOf(token: string): Promise<Caller | undefined> {
    return Promise.resolve(token === 'a-password-of-the-host' ? { scopes: new Set(API_SCOPES) } : undefined);
  }
}

describe('the console in a host', () => {
  let database: TestDatabase;
  let app: Awaited<ReturnType<typeof NestFactory.create>>;
  let url: string;

  beforeAll(async () => {
    database = await createTestDatabase();

    @Module({
      imports: [
        TypeOrmModule.forRoot(
          dataSourceOptions({ url: database.url, poolSize: 3, entities: [...serviceEntities] }),
        ),
        ServiceCallbacksModule.forRoot({
          ...optionsFromEnv({ ...TEST_ENVIRONMENT, DATABASE_URL: database.url }),
          isGlobal: true,
          processors: false,
        }),
        ConsoleModule.forRoot({ access: { provide: ConsoleAccess, useClass: HostAccess } }),
      ],
    })
    class Host {}

    // With the body parsers that Nest has by default: they read forms before the console does.
    app = await NestFactory.create(Host, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  it("lets in whom the host lets in, and reads forms behind the host's own parsers", async () => {
    const client = new ConsoleClient(url);
    expect((await client.signIn('something-else')).status).toBe(401);
    expect((await client.signIn('a-password-of-the-host')).status).toBe(303);
    expect((await client.get('/console')).status).toBe(200);

    const ids = await insertGivenUp(database.url, { serviceId: 's', count: 25 });
    const fields = [
      ['which', 'selected'],
      ['confirmed', 'true'],
      ...ids.map((id): [string, string] => ['id', id]),
    ] as [string, string][];
    const answer = await client.post('/console/dead-letters/delete', fields);
    expect(answer.headers.get('location')).toMatch(/^\/console\/dead-letters\?deleted=25\./);
  });
});
