import { CallbackApis1764000000001 } from './1764000000001-callback-apis.js';
import { DeadLetters1764000000002 } from './1764000000002-dead-letters.js';
import { Outbox1764000000003 } from './1764000000003-outbox.js';
import { SigningSecrets1764000000010 } from './1764000000010-signing-secrets.js';

/** What the module needs in a host's database; the host lists them in its own DataSource. */
export const serviceCallbackMigrations = [
  CallbackApis1764000000001,
  DeadLetters1764000000002,
  Outbox1764000000003,
  SigningSecrets1764000000010,
] as const;
