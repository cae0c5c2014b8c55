import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/embedded-postgres/free-port.js';
import { eventually } from '../support/eventually.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';

const ROOT = join(import.meta.dirname, '../..');
const IMPORTS = ['register-typescript.mjs', 'own-sources.mjs'].flatMap((name) => [
  '--import',
  join(ROOT, 'test/support', name),
]);

interface Call {
  readonly path: string;
  readonly body: string | undefined;
}

/** The `curl` commands of a page, in their order. */
async function callsOf(page: string): Promise<Call[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  const commands = text.matchAll(
    /^curl -X POST http:\/\/127\.0\.0\.1:3000(\/\S+)(?: -H [^`]*?-d '([^']+)')?$/gm,
  );
  return [...commands].map(([, path = '', body]) => ({ path, body }));
}

describe('the page on first steps', () => {
  const children: ChildProcess[] = [];
  const databases: TestDatabase[] = [];
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-first-steps-'));
  });

  afterAll(async () => {
    await Promise.all(
      children.map(async (child) => {
        const closed = once(child, 'close');
        child.kill('SIGTERM');
        await closed;
      }),
    );
    await Promise.all(databases.map((database) => database.drop()));
    await rm(directory, { recursive: true });
  });

  function run(file: string, environment: Readonly<Record<string, string>>): AsyncIterator<string> {
    const child = spawn(process.execPath, [...IMPORTS, join(ROOT, file)], {
      cwd: directory,
      env: { PATH: process.env['PATH'], NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async function lineWith(words: string, lines: AsyncIterator<string>): Promise<string> {
    for (;;) {
      const next: IteratorResult<string, unknown> = await lines.next();
      if (next.done === true) throw new Error(`The process ended before it wrote ${words}`);
      if (next.value.includes(words)) return next.value;
    }
  }

  it.each([
    {
      page: 'docs/getting-started-module.md',
      main: 'examples/getting-started/main.ts',
      ready: 'successfully started',
      body: '{"order_id":"17","status":"dispatched"}',
    },
    {
      page: 'docs/getting-started-service.md',
      main: 'src/main.ts',
      ready: 'service.listening',
      body: '"reference":"claim-4711","to":"applicant@example.com","status":"delivered"',
    },
  ])('leads to a delivered callback: $page', async ({ page, main, ready, body }) => {
    const database = await createEmptyDatabase();
    databases.push(database);
    const ports = { sender: await findFreePort(), receiver: await findFreePort() };
    const received = run('examples/getting-started/receiver.ts', { PORT: String(ports.receiver) });
    const sender = run(main, {
      PORT: String(ports.sender),
      DATABASE_URL: database.url,
      CALLBACK_ALLOW_HTTP: 'true',
      CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
    });
    await lineWith(ready, sender);
    // Nest writes its line before the port is open.
    await eventually(async () => void (await fetch(`http://127.0.0.1:${ports.sender}/`)));

    let last = '';
    for (const call of await callsOf(page)) {
      const response = await fetch(
        `http://127.0.0.1:${ports.sender}${call.path.replace('$ID', idIn(last))}`,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: call.body?.replace(':4000', `:${ports.receiver}`) ?? null,
        },
      );
      last = await response.text();
      expect(`${call.path}: ${response.status} ${last}`).toMatch(/: 20[01] /);
    }

    expect(last).toContain('"queued":true');
    expect(await lineWith(body, received)).toContain(idIn(last.slice(last.indexOf('"queued"'))));
  });
});

/** The first id in a response. */
function idIn(response: string): string {
  return /"id":"([^"]+)"/.exec(response)?.[1] ?? '';
}
