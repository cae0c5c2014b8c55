import { CallbackApis1764000000001 } from './1764000000001-callback-apis.js';
import { DeadLetters1764000000002 } from './1764000000002-dead-letters.js';
import { Outbox1764000000003 } from './1764000000003-outbox.js';
import { SigningSecrets1764000000010 } from './1764000000010-signing-secrets.js';
import { DeliveryLog1764000000020 } from './1764000000020-delivery-log.js';
import { EndpointSwitch1764000000021 } from './1764000000021-endpoint-switch.js';
import { ReplayRuns1764000000022 } from './1764000000022-replay-runs.js';
import { OutboxRefusals1764000000023 } from './1764000000023-outbox-refusals.js';
import { OutboxPriority1764000000024 } from './1764000000024-outbox-priority.js';

/** What the module needs in a host's database; the host lists them in its own DataSource. */
export const serviceCallbackMigrations = [
  CallbackApis1764000000001,
  DeadLetters1764000000002,
  Outbox1764000000003,
  SigningSecrets1764000000010,
  DeliveryLog1764000000020,
  EndpointSwitch1764000000021,
  ReplayRuns1764000000022,
  OutboxRefusals1764000000023,
  OutboxPriority1764000000024,
] as const;
