import type { ZodType } from 'zod';
import { isBuiltInCallbackType } from './built-in-callback-types.js';
import { InvalidCallbackTypeError } from './errors.js';

/** Why something is not sent: the notification has no final status yet, or is a letter. */
export type SkipReason = 'not_final' | 'letter';

/** What a callback is about. */
export interface CallbackSubject {
  readonly serviceId: string;
  readonly subjectId: string;
  /** Distinguishes two pieces of news about the same subject, for example by its status. */
  readonly news?: string;
}

/**
 * One kind of callback: its subject, its payload, and when it is not sent. Input defaults to `unknown` for code that
 * only has a type's name; code that has the definition keeps its input's type.
 */
export interface CallbackTypeDefinition<Input = unknown> {
  /** `^[a-z][a-z0-9_]{0,62}$`; used in the REST API and the log. */
  readonly type: string;
  /** The subject is a notification: the log also has its id as `notification_id`. Default false. */
  readonly subjectIsNotification?: boolean;
  identify(input: Input): CallbackSubject;
  /** Why this input is not sent; undefined: it is sent. */
  skip?(input: Input): SkipReason | undefined;
  /** The JSON payload. Its keys are sent in this order. */
  payload(input: Input): Record<string, unknown>;
  /** The schema of the payload, for the OpenAPI document. */
  readonly schema?: ZodType;
  /** An input for test callbacks, recognisable as made up. Without it the payload of a test is empty. */
  example?(): unknown;
  /**
   * Fields of the payload with personal data. They are masked for readers who may not see them. Default: all fields.
   */
  readonly personalFields?: readonly string[];
  /** Fields without which a queued payload is completed from the database. */
  readonly requiredFields?: readonly string[];
}

/** Whether a value has what every definition has; its name is checked by {@link defineCallbackType}. */
export function isCallbackType(value: unknown): boolean {
  const { type, identify, payload } = Object(value) as Partial<Record<string, unknown>>;
  return typeof type === 'string' && typeof identify === 'function' && typeof payload === 'function';
}

const TYPE_PATTERN = /^[a-z][a-z0-9_]{0,62}$/;

/**
 * Checks and freezes a host's own callback type.
 * @throws InvalidCallbackTypeError if the name is malformed or built in
 */
export function defineCallbackType<Input>(
  definition: CallbackTypeDefinition<Input>,
): CallbackTypeDefinition<Input> {
  const { type, requiredFields, personalFields } = definition;
  if (!TYPE_PATTERN.test(type)) {
    throw new InvalidCallbackTypeError(type, `does not match ${TYPE_PATTERN.source}`);
  }
  if (isBuiltInCallbackType(type)) throw new InvalidCallbackTypeError(type, 'is built in');
  if (requiredFields !== undefined) Object.freeze(requiredFields);
  if (personalFields !== undefined) Object.freeze(personalFields);
  return Object.freeze(definition);
}
