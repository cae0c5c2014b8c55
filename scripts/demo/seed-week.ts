/**
 * Writes a made-up week, so that a person can look around in the console: endpoints, callbacks, figures, and dead
 * letters that can be replayed. It runs before the service starts.
 */
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { developmentKeys } from '../../src/config/development-keys.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.js';
import { migrateDatabase } from '../../src/migrate-database.js';
import { ApiTokenRepository } from '../../src/http/api-tokens/api-token.repository.js';
import { API_SCOPES, tokenDigest } from '../../src/http/api-tokens/api-token.js';
import { CallbackApiRepository } from '../../src/service-callbacks/endpoints/callback-api.repository.js';
import { Clock } from '../../src/service-callbacks/clock.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { generateSigningSecret } from '../../src/service-callbacks/security/signing-secret.js';
import { serviceEntities } from '../../src/service-entities.js';
import { TEAM, weekEndpoints, type SeededEndpoint, type WeekEndpoint } from './week.js';
import { seedCallbacks } from './week-callbacks.js';
import { seedFigures } from './week-figures.js';

/** Into the embedded database of a service that is about to start. @param receiverUrl where the endpoints are */
export async function seedWeekIn(dataDir: string, receiverUrl: string): Promise<void> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  try {
    await migrateDatabase(postgres.url);
    await seedWeek(postgres.url, developmentKeys(dataDir), receiverUrl);
  } finally {
    await postgres.stop();
  }
}

/** @param keys that the service has: what is encrypted here is read there */
export async function seedWeek(url: string, keys: readonly string[], receiverUrl: string): Promise<void> {
  const options = dataSourceOptions({ url, poolSize: 2, entities: [...serviceEntities] });
  const dataSource = await new DataSource(options).initialize();
  try {
    await fill(dataSource, new PayloadCipher(keys), receiverUrl);
  } finally {
    await dataSource.destroy();
  }
}

async function fill(dataSource: DataSource, cipher: PayloadCipher, receiverUrl: string): Promise<void> {
  const now = Date.now();
  const endpoints: SeededEndpoint[] = [];
  for (const endpoint of weekEndpoints) {
    endpoints.push(await register(dataSource, cipher, endpoint, receiverUrl + endpoint.path));
  }
  await seedFigures(dataSource, endpoints, now);
  await seedCallbacks(dataSource, cipher, endpoints, now);
  const { serviceId, token } = TEAM;
  await new ApiTokenRepository(dataSource).add({
    name: 'demo, a service team',
    digest: tokenDigest(token),
    scopes: API_SCOPES,
    serviceId,
  });
}

async function register(
  dataSource: DataSource,
  cipher: PayloadCipher,
  endpoint: WeekEndpoint,
  url: string,
): Promise<SeededEndpoint> {
  const { serviceId, callbackType, disabled } = endpoint;
  const { id: callbackApiId } = await new CallbackApiRepository(dataSource, cipher, new Clock()).create({
    serviceId,
    callbackType,
    url,
    bearerToken: randomUUID(),
    signingSecret: generateSigningSecret(),
    updatedById: randomUUID(),
  });
  if (disabled) {
    await dataSource.query(
      `UPDATE service_callback_apis SET disabled_at = $2, disabled_reason = $3 WHERE id = $1`,
      [callbackApiId, new Date(Date.now() - disabled.sinceMs), disabled.reason],
    );
  }
  return { ...endpoint, callbackApiId, url };
}
