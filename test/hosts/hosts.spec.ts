import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEmptyDatabase } from '../support/database.js';
import { CHECKOUT, NPM_ENVIRONMENT, packPackage } from '../support/pack-package.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';

const run = promisify(execFile);

const TSC = 'node_modules/typescript/bin/tsc';
const JEST = 'node_modules/jest/bin/jest.js';

/** A second copy of one of these would have other injection tokens, entities or metadata. */
const ONE_COPY_EACH = ['@nestjs/common', '@nestjs/core', 'pg', 'reflect-metadata', 'rxjs', 'typeorm'];

/** What the application prints. */
const DELIVERED = {
  refusal: { status: 400, body: expect.stringMatching(/callback_type.*bearer_token/) },
  parcel: { id: expect.any(String), status: 'delivered' },
  callback: { isOfParcel: true, authorization: 'Bearer a-token-of-the-customer' },
};

interface Locked {
  readonly version: string;
  readonly hasInstallScript?: boolean;
}

/** Applications with the packed tarball and the packages that npm finds for it, and no more of this checkout. */
describe('the packed tarball', () => {
  let directory: string;
  let redis: RedisServer;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-hosts-'));
    await rename(await packPackage(directory), join(directory, 'service-callbacks.tgz'));
    redis = await startRedisServer();
  }, 240_000);

  afterAll(async () => {
    await redis.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function install(name: string): Promise<string> {
    const host = join(directory, name);
    await cp(join(import.meta.dirname, name), host, { recursive: true });
    await cp(join(import.meta.dirname, 'app'), join(host, 'app'), { recursive: true });
    await cp(join(CHECKOUT, 'examples/testing/orders.ts'), join(host, 'app/orders.ts'));
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: host,
      env: NPM_ENVIRONMENT,
    });
    return host;
  }

  async function packagesOf(host: string): Promise<[string, Locked][]> {
    const lockfile = await readFile(join(host, 'package-lock.json'), 'utf8');
    const { packages } = JSON.parse(lockfile) as { packages: Record<string, Locked> };
    return Object.entries(packages).filter(([path]) => path !== '');
  }

  /** Where npm put a package, once for each copy. */
  const copies = (packages: readonly [string, Locked][], name: string) =>
    packages.map(([path]) => path).filter((path) => path.endsWith(`node_modules/${name}`));

  /** Runs a script of the host, or one of a package it has, on a database of its own. */
  async function node(
    host: string,
    command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const database = await createEmptyDatabase();
    try {
      const env = {
        PATH: process.env['PATH'],
        NODE_ENV: 'test',
        NO_COLOR: '1',
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        CALLBACK_ENCRYPTION_KEYS: `host:${Buffer.alloc(32, 1).toString('base64')}`,
        CALLBACK_ALLOW_HTTP: 'true',
        CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
        ...environment,
      };
      return await run(process.execPath, command, { cwd: host, env });
    } finally {
      await database.drop();
    }
  }

  it('can be published', async () => {
    const { stderr } = await run('npm', ['publish', '--dry-run', '--ignore-scripts'], {
      cwd: join(directory, 'checkout'),
      env: NPM_ENVIRONMENT,
    });
    const warnings = stderr.split('\n').filter((line) => line.startsWith('npm warn'));
    expect(warnings.filter((line) => !/be logged in/.test(line))).toEqual([]);
  }, 60_000);

  describe('in a host on Nest 12, of ES modules', () => {
    let host: string;

    beforeAll(async () => {
      host = await install('nest12');
    }, 240_000);

    it("does not change the host's packages, and adds only the install script of BullMQ's decoder", async () => {
      const packages = await packagesOf(host);
      for (const name of ONE_COPY_EACH) expect(copies(packages, name)).toEqual([`node_modules/${name}`]);
      const scripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
      expect(scripts.map(([path]) => path)).toEqual(['node_modules/msgpackr-extract']);
    });

    it('delivers a callback in Node', async () => {
      await run(process.execPath, [TSC], { cwd: host });
      const { stdout } = await node(host, ['dist/app/main.js']);
      expect(JSON.parse(stdout)).toEqual(DELIVERED);
    }, 60_000);

    it('delivers a callback in tests of vitest, with the real module and in memory', async () => {
      const { stdout } = await node(host, ['node_modules/vitest/vitest.mjs', 'run']);
      expect(stdout).toMatch(/Tests +2 passed/);
    }, 60_000);
  });

  describe('in a host on Nest 11, of CommonJS, with the oldest peers and a BullMQ 5', () => {
    let host: string;

    beforeAll(async () => {
      host = await install('nest11-commonjs');
      await run(process.execPath, [TSC], { cwd: host });
    }, 240_000);

    it("does not change the host's packages, its BullMQ included", async () => {
      const packages = await packagesOf(host);
      for (const name of ONE_COPY_EACH) expect(copies(packages, name)).toEqual([`node_modules/${name}`]);
      expect(copies(packages, 'bullmq')).toEqual([
        'node_modules/bullmq',
        'node_modules/service-callbacks/node_modules/bullmq',
      ]);
    });

    it('delivers a callback in Node', async () => {
      const { stdout } = await node(host, ['dist/app/main.js']);
      expect(JSON.parse(stdout)).toEqual(DELIVERED);
    }, 60_000);

    // Nothing is configured: Jest's default is CommonJS, and transforms no package.
    it.each([
      ['29', [JEST], 'cjs'],
      ['30', [join(CHECKOUT, JEST)], 'cjs'],
      ['30 that can require() ES modules', ['--experimental-vm-modules', join(CHECKOUT, JEST)], 'esm'],
    ])(
      'delivers a callback in tests of Jest %s, with the real module and in memory',
      async (_, jest, form) => {
        const { stderr } = await node(host, [...jest, '--rootDir', 'dist'], { EXPECTED_FORM: form });
        expect(stderr).toMatch(/Tests: +3 passed/);
      },
      90_000,
    );
  });
});
