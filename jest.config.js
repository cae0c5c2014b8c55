/** Jest over Node's own modules: see docs/adr/0001-jest-on-esm.md. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What every project has. */
const base = {
  testRunner: '<rootDir>/test/support/jest-native.js',
  // Node loads the modules, see the runner.
  transform: {},
};

/** The same e2e and fault tests, with Redis behind the queues. */
const redis = {
  ...base,
  displayName: 'redis',
  globals: { queueBackend: 'redis' },
  testMatch: ['<rootDir>/test/{e2e,faults,conformance}/**/*.spec.ts'],
};

const hasRedis = process.env.REDIS_URL !== undefined || spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) {
  if (process.env.CI) throw new Error('CI needs a redis-server on the path, or REDIS_URL');
  process.stderr.write('Skipped: the tests on Redis (no redis-server on the path and no REDIS_URL)\n');
}

const chromiumPath = process.env.CHROMIUM_PATH ?? onPath('chromium', 'chromium-browser', 'google-chrome');

/** The console as people use it, in a browser. */
const browser = {
  ...base,
  displayName: 'browser',
  globals: { queueBackend: 'postgres', chromiumPath },
  testMatch: ['<rootDir>/test/browser/**/*.spec.ts'],
};

if (chromiumPath === undefined) {
  process.stderr.write('Skipped: the tests in a browser (no chromium on the path and no CHROMIUM_PATH)\n');
}

function onPath(...programs) {
  const directories = (process.env.PATH ?? '').split(delimiter);
  const candidates = programs.flatMap((program) => directories.map((directory) => join(directory, program)));
  return candidates.find((candidate) => existsSync(candidate));
}

/** Applications that npm installs from its registry: in continuous integration alone. */
const hosts = {
  ...base,
  displayName: 'hosts',
  testMatch: ['<rootDir>/test/hosts/*.spec.ts'],
};

export default {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/src/**/*.spec.ts'] },
    {
      ...base,
      displayName: 'postgres',
      globals: { queueBackend: 'postgres' },
      testMatch: ['<rootDir>/{test,examples}/**/*.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/(browser|hosts)/'],
    },
    ...(hasRedis ? [redis] : []),
    ...(chromiumPath === undefined ? [] : [browser]),
    ...(process.env.HOSTS === undefined ? [] : [hosts]),
  ],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  testTimeout: 30_000,
  maxWorkers: 3,
  // A worker that has run thousands of tests frees its memory for 0.2 s, on a loaded machine for longer than the
  // default of 0.5 s; an open handle keeps it for ever.
  workerGracefulExitTimeout: 5_000,
};
