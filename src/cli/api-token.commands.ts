import { withDataSource } from '../database/open-data-source.js';
import { API_SCOPES, generateApiToken, parseScopes, tokenDigest } from '../http/api-tokens/api-token.js';
import { ApiTokenRepository } from '../http/api-tokens/api-token.repository.js';
import { serviceIdParam, uuidParam } from '../http/ids.js';
import type { Command } from './command.js';
import { CommandError, UsageError } from './errors.js';
import type { Project } from './project.js';

/** Commands for the REST API tokens in the database, which keeps only their hashes. */
export function apiTokenCommands({ withDatabases }: Pick<Project, 'withDatabases'>): Command[] {
  const withTokens = <T>(use: (tokens: ApiTokenRepository) => Promise<T>): Promise<T> =>
    withDatabases(({ url }) =>
      withDataSource({ url, poolSize: 1 }, (dataSource) => use(new ApiTokenRepository(dataSource))),
    );
  return [
    {
      name: 'token add',
      description: 'Makes an API token and shows it this once.',
      options: {
        name: { value: 'text', description: 'whose it is, for the list' },
        service: { value: 'service_id', description: 'the only service it may see (default: all)' },
        scopes: { value: 'scope+scope', description: `of ${API_SCOPES.join(', ')} (default: all)` },
      },
      run: (input) => {
        const name = input.option('name');
        const serviceId = serviceOf(input.option('service'));
        const scopes = scopesOf(input.option('scopes'));
        if (name === undefined || name === '') throw new UsageError('--name is missing: whose token is it?');
        return withTokens(async (tokens) => {
          const token = generateApiToken();
          const added = { name, digest: tokenDigest(token), scopes, ...(serviceId && { serviceId }) };
          const { id } = await tokens.add(added);
          console.log(`Token ${id}, shown this once:\n${token}`);
          return 0;
        });
      },
    },
    {
      name: 'token list',
      description: 'Lists the API tokens of the database.',
      run: () =>
        withTokens(async (tokens) => {
          for (const { id, name, scopes, serviceId, revokedAt } of await tokens.list()) {
            const whose = serviceId === null ? 'every service' : `service ${serviceId}`;
            const state = revokedAt === null ? '' : `, revoked ${revokedAt.toISOString()}`;
            console.log(`${id}  ${name}: ${scopes.join('+')} on ${whose}${state}`);
          }
          return 0;
        }),
    },
    {
      name: 'token revoke',
      description: 'Revokes an API token; its next request is refused.',
      arguments: ['id'],
      run: ({ arguments: [text = ''] }) => {
        const id = uuidParam.safeParse(text).data;
        if (id === undefined)
          throw new UsageError(`"${text}" is not the id of a token: "token list" has them`);
        return withTokens(async (tokens) => {
          if (!(await tokens.revoke(id)))
            throw new CommandError(`There is no token ${id} that is not revoked yet`);
          console.log(`Token ${id} is revoked.`);
          return 0;
        });
      },
    },
  ];
}

function serviceOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const parsed = serviceIdParam.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `--service ${JSON.stringify(text)}: ${parsed.error.issues.map(({ message }) => message).join(', ')}`,
  );
}

function scopesOf(text: string | undefined): readonly (typeof API_SCOPES)[number][] {
  if (text === undefined) return API_SCOPES;
  const scopes = parseScopes(text);
  if (scopes) return scopes;
  throw new UsageError(
    `--scopes ${JSON.stringify(text)}: accepted is one or more of ${API_SCOPES.join(', ')}, joined by +`,
  );
}
