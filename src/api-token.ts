import { parseArgs } from 'node:util';
import { loadEnv } from './config/env.js';
import { withDataSource } from './database/with-data-source.js';
import { withDatabaseUrl } from './database/with-database-url.js';
import { API_SCOPES, generateApiToken, parseScopes, tokenDigest } from './http/api-tokens/api-token.js';
import { ApiTokenEntity } from './http/api-tokens/api-token.entity.js';
import { ApiTokenRepository } from './http/api-tokens/api-token.repository.js';

const USAGE = `npm run api-token -- add --name <whose> [--service <service_id>] [--scopes ${API_SCOPES.join('+')}]
npm run api-token -- list
npm run api-token -- revoke <id>`;

/** `npm run api-token`: tokens of the REST API that are kept in the database, by their hashes. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string' }, service: { type: 'string' }, scopes: { type: 'string' } },
});
const env = loadEnv(process.env);

await withDatabaseUrl(env, (url) =>
  withDataSource({ url, poolSize: 1, entities: [ApiTokenEntity] }, (dataSource) =>
    run(new ApiTokenRepository(dataSource)),
  ),
);

async function run(tokens: ApiTokenRepository): Promise<void> {
  const [command, id] = positionals;
  if (command === 'list') return list(tokens);
  if (command === 'revoke' && id !== undefined) return revoke(tokens, id);
  const scopes = values.scopes === undefined ? API_SCOPES : parseScopes(values.scopes);
  if (command === 'add' && values.name !== undefined && scopes !== undefined) {
    const token = generateApiToken();
    const serviceId = values.service;
    const added = { name: values.name, digest: tokenDigest(token), scopes, ...(serviceId && { serviceId }) };
    const { id: addedId } = await tokens.add(added);
    console.log(`Token ${addedId}, shown this once:\n${token}`);
    return;
  }
  console.error(USAGE);
  process.exitCode = 1;
}

async function list(tokens: ApiTokenRepository): Promise<void> {
  for (const { id, name, scopes, serviceId, revokedAt } of await tokens.list()) {
    const whose = serviceId === null ? 'every service' : `service ${serviceId}`;
    const state = revokedAt === null ? '' : `, revoked ${revokedAt.toISOString()}`;
    console.log(`${id}  ${name}: ${scopes.join('+')} on ${whose}${state}`);
  }
}

async function revoke(tokens: ApiTokenRepository, id: string): Promise<void> {
  const isRevoked = await tokens.revoke(id);
  console.log(
    isRevoked ? `Token ${id} opens nothing any more.` : `There is no token ${id} that is still good.`,
  );
  if (!isRevoked) process.exitCode = 1;
}
