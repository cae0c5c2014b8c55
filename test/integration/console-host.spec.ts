import { Module, type ExecutionContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConsoleAccess, ConsoleModule, SubjectLookup } from '../../src/console/console.module.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { API_SCOPES, type Caller } from '../../src/http/api-tokens/api-token.js';
import { optionsFromEnv } from '../../src/service-callbacks/options-from-env.js';
import { ServiceCallbacksModule } from '../../src/service-callbacks/service-callbacks.module.js';
import { serviceEntities } from '../../src/service-entities.js';
import { ConsoleClient } from '../support/console-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { insertGivenUp } from '../support/given-up.js';
import { TEST_ENVIRONMENT } from '../support/service.js';
import { query } from '../support/sql.js';

/** The host knows its people itself. */
class HostAccess implements ConsoleAccess {
  readonly areRequired = true;

  callerOf(token: string): Promise<Caller | undefined> {
    return Promise.resolve(token === 'a-password-of-the-host' ? { scopes: new Set(API_SCOPES) } : undefined);
  }
}

/** Its notifications have references. */
class HostNotifications implements SubjectLookup {
  findByReference(reference: string): Promise<readonly string[]> {
    return Promise.resolve(reference === 'Case 12/b' ? ['a-notification-of-the-host'] : []);
  }
}

describe('the console in a host', () => {
  let database: TestDatabase;
  let app: Awaited<ReturnType<typeof NestFactory.create>>;
  let url: string;
  let Host: Type;

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
        ConsoleModule.forRoot({
          access: { provide: ConsoleAccess, useClass: HostAccess },
          subjects: { provide: SubjectLookup, useClass: HostNotifications },
          links: { runbook: '/our-runbook' },
        }),
      ],
    })
    class TheHost {}
    Host = TheHost;

    // With the body parsers that Nest has by default: they read forms before the console does.
    app = await NestFactory.create(Host, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  it("works behind the host's global prefix, guards and versioning", async () => {
    const other = await NestFactory.create(Host, { logger: false, abortOnError: false });
    other.setGlobalPrefix('internal/api');
    other.enableVersioning();
    other.useGlobalGuards({
      canActivate: (context: ExecutionContext) =>
        context.switchToHttp().getRequest<Request>().headers['x-network' as never] === 'office',
    });
    try {
      await other.listen(0, '127.0.0.1');
      const address = `${await other.getUrl()}/internal/api/console`;
      expect((await fetch(`${address}/sign-in`)).status).toBe(403);
      const headers = { 'x-network': 'office' };
      const signIn = await fetch(`${address}/sign-in`, { headers });
      expect(signIn.status).toBe(200);
      expect(signIn.headers.get('set-cookie')).toContain('Path=/internal/api/console;');
      const addresses = [...(await signIn.text()).matchAll(/(?:href|src|action)="(\/[^"]*)"/g)].map(
        ([, path]) => path,
      );
      expect(addresses.length).toBeGreaterThan(3);
      expect(addresses.filter((path) => !path?.startsWith('/internal/api/console'))).toEqual([]);
      const [asset = ''] = addresses.filter((path) => path?.includes('/assets/'));
      expect((await fetch(new URL(asset, address), { headers })).status).toBe(200);
      const overview = await fetch(address, { headers, redirect: 'manual' });
      expect(overview.headers.get('location')).toMatch(/^\/internal\/api\/console\/sign-in/);
    } finally {
      await other.close();
    }
  });

  it('finds a callback by a reference of the host, and shows the host’s links', async () => {
    const client = new ConsoleClient(url);
    await client.signIn('a-password-of-the-host');
    const [id = ''] = await insertGivenUp(database.url, { serviceId: 'finds' });
    const subject = 'a-notification-of-the-host';
    await query(database.url, 'UPDATE service_callbacks SET subject_id = $1 WHERE id = $2', [subject, id]);
    const response = await client.get(`/console/search?q=${encodeURIComponent('Case 12/b')}`);
    expect(response.headers.get('location')).toBe(`/console/services/finds/callbacks/${id}`);
    const html = await (await client.get('/console')).text();
    expect(html).toContain('<a href="/our-runbook">Runbook</a>');
    expect(html).not.toContain('API documents');
  });

  it("admits whom the host admits, and reads forms behind the host's own parsers", async () => {
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
    const response = await client.post('/console/dead-letters/delete', fields);
    expect(response.headers.get('location')).toMatch(/^\/console\/dead-letters\?deleted=25\./);
  });
});
