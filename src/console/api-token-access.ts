import { EVERYTHING, type Caller } from '../http/api-tokens/api-token.js';
import { ApiTokens } from '../http/api-tokens/api-tokens.js';
import type { ConsoleAccess } from './console-access.js';

/** The service's access to its console: with a token of the REST API. */
export class ApiTokenAccess implements ConsoleAccess {
  constructor(private readonly tokens: Pick<ApiTokens, 'areRequired' | 'callerOf'>) {}

  get areRequired(): boolean {
    return this.tokens.areRequired;
  }

  callerOf(token: string): Promise<Caller | undefined> {
    if (token === '') return Promise.resolve(this.areRequired ? undefined : EVERYTHING);
    return this.tokens.callerOf(token);
  }
}
