import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEmptyDatabase } from '../support/database.js';
import { CHECKOUT, NPM_ENVIRONMENT, packPackage } from '../support/pack-package.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';

const execute = promisify(execFile);

/** @throws with what the command wrote: the compiler writes its complaints to the standard output */
async function run(
  program: string,
  words: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  try {
    return await execute(program, words, options);
  } catch (error) {
    const { message, stdout } = error as Error & { readonly stdout: string };
    throw new Error(`${message}\n${stdout}`, { cause: error });
  }
}

const TSC = 'node_modules/typescript/bin/tsc';
const JEST = 'node_modules/jest/bin/jest.js';

/** A second copy of one of these would have other injection tokens, entities or metadata. */
const ONE_COPY_EACH = [
  '@nestjs/bullmq',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/typeorm',
  'pg',
  'reflect-metadata',
  'rxjs',
  'typeorm',
];

interface Locked {
  readonly version: string;
  readonly hasInstallScript?: boolean;
}

/** Applications with the packed tarball and the packages that npm finds for it, and no more of this checkout. */
describe('the packed tarball', () => {
  let directory: string;
  let redis: RedisServer;
  let nest12: string;
  let nest11: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-hosts-'));
    await rename(await packPackage(directory), join(directory, 'service-callbacks.tgz'));
    redis = await startRedisServer();
    [nest12, nest11] = await Promise.all([install('nest12'), install('nest11-commonjs')]);
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
    await cp(join(CHECKOUT, 'examples/getting-started'), join(host, 'getting-started'), { recursive: true });
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], {
      cwd: host,
      env: NPM_ENVIRONMENT,
    });
    await run(process.execPath, [TSC], { cwd: host });
    return host;
  }

  async function packagesOf(host: string): Promise<[string, Locked][]> {
    const lockfile = await readFile(join(host, 'package-lock.json'), 'utf8');
    const { packages } = JSON.parse(lockfile) as { packages: Record<string, Locked> };
    return Object.entries(packages).filter(([path]) => path !== '');
  }

  /** The folders in which npm put a package, one for each copy. */
  const copies = (packages: readonly [string, Locked][], name: string) =>
    packages.map(([path]) => path).filter((path) => path.endsWith(`node_modules/${name}`));

  /** Fails where a package is missing, or is not of the version that another one needs. */
  const npmLs = (host: string) => run('npm', ['ls', '--all'], { cwd: host, env: NPM_ENVIRONMENT });

  /** Runs a script of the host, or of one of its packages, on a new database. */
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
        CALLBACK_MAX_RETRIES: '1',
        CALLBACK_RETRY_DELAY_MS: '100',
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
    it("does not change the host's packages, and adds only the install script of BullMQ's decoder", async () => {
      await npmLs(nest12);
      const packages = await packagesOf(nest12);
      for (const name of ONE_COPY_EACH) expect(copies(packages, name)).toEqual([`node_modules/${name}`]);
      const scripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
      expect(scripts.map(([path]) => path)).toEqual(['node_modules/msgpackr-extract']);
    });

    it.each([
      ['Node', 'app/main.js', {}],
      [
        'a process that serves, with versions, guards, Terminus and a Bull Board, and one that delivers',
        'web.js',
        { QUEUE_BACKEND: 'redis' },
      ],
    ])(
      'delivers callbacks in %s',
      async (_, script, environment) => {
        const { stdout } = await node(nest12, [`dist/${script}`], environment);
        expect(stdout).toBe('All arrived\n');
      },
      60_000,
    );

    it('delivers callbacks in tests of vitest, with the real module and in memory', async () => {
      const { stdout } = await node(nest12, ['node_modules/vitest/vitest.mjs', 'run']);
      expect(stdout).toMatch(/Tests +2 passed/);
    }, 60_000);
  });

  describe('in a host on Nest 11, of CommonJS, with the oldest peers and a BullMQ 5', () => {
    it("does not change the host's packages, its BullMQ included", async () => {
      await npmLs(nest11);
      const packages = await packagesOf(nest11);
      for (const name of ONE_COPY_EACH) expect(copies(packages, name)).toEqual([`node_modules/${name}`]);
      expect(copies(packages, 'bullmq')).toEqual([
        'node_modules/bullmq',
        'node_modules/service-callbacks/node_modules/bullmq',
      ]);
    });

    it.each(['postgres', 'redis'])(
      'delivers callbacks in Node, with queues on %s',
      async (backend) => {
        const { stdout } = await node(nest11, ['dist/app/main.js'], { QUEUE_BACKEND: backend });
        expect(stdout).toBe('All arrived\n');
      },
      60_000,
    );

    // Nothing is configured: Jest's default is CommonJS, and transforms no package.
    it.each([
      ['29', [JEST], 'cjs'],
      ['30', [join(CHECKOUT, JEST)], 'cjs'],
      ['30 that can require() ES modules', ['--experimental-vm-modules', join(CHECKOUT, JEST)], 'esm'],
    ])(
      'delivers callbacks in tests of Jest %s, with the real module and in memory',
      async (_, jest, form) => {
        const { stderr } = await node(nest11, [...jest, '--rootDir', 'dist'], { EXPECTED_FORM: form });
        expect(stderr).toMatch(/Tests: +3 passed/);
      },
      90_000,
    );
  });
});
