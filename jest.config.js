/** Jest on native ESM: see docs/adr/0001-jest-on-esm.md. */
import { spawnSync } from 'node:child_process';

const swc = {
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
  },
  module: { type: 'es6' },
};

/** What every project has; also read by test/support/register-typescript.mjs. */
export const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1', '^service-callbacks$': '<rootDir>/src/index.ts' },
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
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

export default {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/src/**/*.spec.ts'] },
    {
      ...base,
      displayName: 'postgres',
      globals: { queueBackend: 'postgres' },
      testMatch: ['<rootDir>/{test,examples}/**/*.spec.ts'],
    },
    ...(hasRedis ? [redis] : []),
  ],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  testTimeout: 30_000,
  maxWorkers: 3,
};
