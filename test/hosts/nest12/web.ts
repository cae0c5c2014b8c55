import { strict as assert } from 'node:assert';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { journey } from './app/journey.js';
import { API_KEY, WebModule } from './web.module.js';

const headers = { 'x-api-key': API_KEY };

const worker = fork(join(import.meta.dirname, 'worker.js'));
await once(worker, 'message');
const app = await NestFactory.create(WebModule, { logger: ['error'] });
app.setGlobalPrefix('api');
app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
await app.listen(0, '127.0.0.1');
const api = `${await app.getUrl()}/api`;

await journey(`${api}/v1`, headers);
assert.equal((await fetch(`${api}/v1/service/acme/callback-api`)).status, 403);
const { details } = JSON.parse(await read(`${api}/v1/health`));
assert.deepEqual(details['service-callbacks'], { status: 'up', database: 'up' });
assert.match(await read(`${api}/console`), /<form[^>]+action="\/api\/console\/sign-in"/);
const { queues } = JSON.parse(await read(`${api}/queues/api/queues`));
assert.deepEqual(
  queues.map(({ name }: { name: string }) => name),
  ['service-callbacks', 'service-callbacks-retry'],
);

await app.close();
worker.disconnect();
assert.deepEqual(await once(worker, 'exit'), [0, null]);
console.log('All arrived');

async function read(url: string): Promise<string> {
  const response = await fetch(url, { headers });
  assert.equal(response.status, 200, url);
  return response.text();
}
