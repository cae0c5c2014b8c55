import type { ZodType } from 'zod';
import { isBuiltInCallbackType } from './built-in-callback-types.js';
import { InvalidCallbackTypeError } from './errors.js';

/** Why a piece of news is not sent: the notification has no final status yet, or is a letter. */
export type SkipReason = 'not_final' | 'letter';

/** Which thing a callback is about. */
export interface CallbackSubject {
  readonly serviceId: string;
  readonly subjectId: string;
  /** Distinguishes two pieces of news about the same subject, such as its status. */
  readonly news?: string;
}

/**
 * One kind of callback: what it is about, when it is not sent, and the document it sends.
 *
 * Input defaults to `unknown` for code that has a type's name only; code that holds the definition itself
 * keeps its input's type.
 */
export interface CallbackTypeDefinition<Input = unknown> {
  /** `^[a-z][a-z0-9_]{0,62}$`; in the REST API, the job's name and the log. */
  readonly type: string;
  /** The subject is a notification, so the log has its id as `notification_id` too. Default false. */
  readonly subjectIsNotification?: boolean;
  identify(input: Input): CallbackSubject;
  /** A reason not to send. */
  skip?(input: Input): SkipReason | undefined;
  /** The JSON document, its keys in the order in which they are sent. */
  payload(input: Input): Record<string, unknown>;
  /** Of the document, for the OpenAPI description of what receivers get. */
  readonly schema?: ZodType;
  /** An input for test callbacks, made up and seen to be. Without one their document is empty. */
  example?(): unknown;
  /**
   * Fields of the document with personal data. A reader who may not see them is shown that there is something,
   * and not what. Without this all fields are such.
   */
  readonly personalFields?: readonly string[];
  /** Fields without which a queued document is completed from the database. */
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
 *
 * @throws InvalidCallbackTypeError when the name is malformed or one of the built-in ones
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
