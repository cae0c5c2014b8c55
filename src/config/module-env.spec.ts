import { describe, expect, it } from '@jest/globals';
import { loadModuleEnv } from './env.js';

const PRODUCTION = {
  NODE_ENV: 'production',
  CALLBACK_ENCRYPTION_KEYS: `one:${Buffer.alloc(32).toString('base64')}`,
};

describe('loadModuleEnv', () => {
  it("ignores the service's own variables, also in production", () => {
    const env = loadModuleEnv({
      ...PRODUCTION,
      PORT: '/run/host.sock',
      LOG_LEVEL: 'verbose',
      HOST: '0.0.0.0',
    });
    expect(env.DATABASE_URL).toBeUndefined();
    expect(env.PORT).toBe(3000);
  });

  it("validates the module's own variables as strictly", () => {
    expect(() => loadModuleEnv({ NODE_ENV: 'production', CALLBACK_TIMEOUT_MS: '-1' })).toThrow(
      /CALLBACK_ENCRYPTION_KEYS[^]*CALLBACK_TIMEOUT_MS|CALLBACK_TIMEOUT_MS[^]*CALLBACK_ENCRYPTION_KEYS/,
    );
  });
});
