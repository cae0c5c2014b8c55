import type { InjectionToken, Provider } from '@nestjs/common';
import { CallbackTypeRegistry } from './callback-types/callback-type-registry.js';
import { DeadLetterRepository } from './history/dead-letter.repository.js';
import { Replay } from './replay/replay.js';
import { ReplayRunRepository } from './replay/replay-run.repository.js';
import { Clock } from './clock.js';
import { CallbackApiRepository } from './endpoints/callback-api.repository.js';
import { CallbackBodyReader } from './reporting/callback-body.reader.js';
import { PayloadCipher } from './security/payload-cipher.js';
import {
  DEAD_LETTER_OPTIONS,
  DELIVERY_LOG_OPTIONS,
  DELIVERY_OPTIONS,
  ENDPOINT_HEALTH_OPTIONS,
} from './tokens.js';

/** What the console needs beside the public providers. None has life-cycle hooks: Nest would call them twice. */
const PARTS: readonly InjectionToken[] = [
  Clock,
  PayloadCipher,
  CallbackTypeRegistry,
  CallbackApiRepository,
  CallbackBodyReader,
  DeadLetterRepository,
  ReplayRunRepository,
  Replay,
  DEAD_LETTER_OPTIONS,
  DELIVERY_LOG_OPTIONS,
  DELIVERY_OPTIONS,
  ENDPOINT_HEALTH_OPTIONS,
];

/** An export of the module for the console only, not for hosts. */
export const INTERNALS = Symbol('service-callbacks internals');

type Internals = ReadonlyMap<InjectionToken, unknown>;

export const internals: Provider = {
  provide: INTERNALS,
  inject: [...PARTS],
  useFactory: (...parts: readonly unknown[]): Internals =>
    new Map(PARTS.map((token, index) => [token, parts[index]])),
};

/** Providers of the console's own module. */
export const partsOfInternals: readonly Provider[] = PARTS.map((token) => ({
  provide: token,
  inject: [INTERNALS],
  useFactory: (parts: Internals) => parts.get(token),
}));
