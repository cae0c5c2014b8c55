import { Notifications1764000000000 } from './migrations/1764000000000-notifications.js';
import { ApiTokens1764000000011 } from './migrations/1764000000011-api-tokens.js';
import { serviceCallbackMigrations } from './migrations/migrations.js';

/** The module's migrations and the service's own. */
export const serviceMigrations = [
  Notifications1764000000000,
  ...serviceCallbackMigrations,
  ApiTokens1764000000011,
] as const;
