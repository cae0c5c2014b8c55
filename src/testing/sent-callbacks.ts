import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import { CallbackTypeRegistry } from '../service-callbacks/callback-types/callback-type-registry.js';
import type { CallbackTypeDefinition } from '../service-callbacks/callback-types/callback-type.js';
import { UnknownCallbackTypeError } from '../service-callbacks/callback-types/errors.js';
import { payloadBinding, type Callback } from '../service-callbacks/callbacks/callback.js';
import { attemptOf } from '../service-callbacks/history/callback-list.repository.js';
import type { LoggedCallbackWithAttempts } from '../service-callbacks/history/records.js';
import type { Disposition } from '../service-callbacks/callbacks/state-machine.js';
import { attemptRecordOf } from '../service-callbacks/delivery/attempt-record.js';
import { dispositionOf, RetryPolicy } from '../service-callbacks/delivery/retry-policy.js';
import { CallbackHandlers } from '../service-callbacks/events/callback-handlers.js';
import { deliveredEvent, givenUpEvent, retryingEvent } from '../service-callbacks/events/settled-events.js';
import { PayloadCipher } from '../service-callbacks/security/payload-cipher.js';
import { CallbackClient } from '../service-callbacks/transport/callback-client.js';
import type { TransportRequest } from '../service-callbacks/transport/callback-transport.js';
import type { DeliveryOutcome } from '../service-callbacks/transport/delivery-outcome.js';
import type { HeldClock } from './held-clock.js';
import type { InMemoryCallback, InMemoryCallbacks } from './in-memory-callbacks.js';
import type { InMemoryEndpoints } from './in-memory-endpoints.js';
import type { AttemptResponse, InMemoryTransport } from './in-memory-transport.js';
import { matches } from './matches.js';

/** A callback as the console shows it, with its payload. */
export type SentCallback = Pick<
  LoggedCallbackWithAttempts,
  | 'id'
  | 'serviceId'
  | 'callbackType'
  | 'subjectId'
  | 'reason'
  | 'url'
  | 'attemptCount'
  | 'attempts'
  | 'nextAttemptAt'
> & {
  readonly state: 'waiting' | 'retrying' | 'delivered' | 'given_up';
  /** The JSON payload. */
  readonly payload: unknown;
};

const ON_ONE_LINE = { depth: null, breakLength: Number.POSITIVE_INFINITY };

/** A callback type, or its name. */
type CallbackType = string | Pick<CallbackTypeDefinition<never>, 'type'>;

/** The callbacks that the application under test has sent, and the responses of its endpoints. */
export class SentCallbacks {
  constructor(
    private readonly records: InMemoryCallbacks,
    private readonly endpoints: InMemoryEndpoints,
    private readonly transport: InMemoryTransport,
    private readonly types: CallbackTypeRegistry,
    private readonly client: CallbackClient,
    private readonly policy: RetryPolicy,
    private readonly cipher: PayloadCipher,
    /** The module's time; only this test changes it. */
    readonly clock: HeldClock,
    private readonly handlers: CallbackHandlers,
  ) {}

  /**
   * The callbacks of committed transactions, oldest first.
   * @param payload a part of the payload; it may have other fields
   * @throws UnknownCallbackTypeError
   */
  sent(type?: CallbackType, payload?: object): readonly SentCallback[] {
    const name = type === undefined ? undefined : this.nameOf(type);
    return this.records.all
      .map((record) => this.shown(record))
      .filter((callback) => name === undefined || callback.callbackType === name)
      .filter((callback) => payload === undefined || matches(callback.payload, payload));
  }

  /**
   * @returns the first one
   * @throws AssertionError that shows which callbacks were sent
   */
  assertSent(type: CallbackType, payload?: object): SentCallback {
    const [first] = this.sent(type, payload);
    return first ?? this.fail(`No ${described(this.nameOf(type), payload)} was sent`);
  }

  /** @throws AssertionError that shows which callbacks were sent */
  assertNotSent(type?: CallbackType, payload?: object): void {
    if (this.sent(type, payload).length === 0) return;
    this.fail(`A ${described(type === undefined ? 'callback' : this.nameOf(type), payload)} was sent`);
  }

  /**
   * Sets the responses: each attempt gets the next one, and the last one stays. An empty list: 200.
   * @throws RangeError naming each invalid status code
   */
  respondWith(...responses: readonly AttemptResponse[]): void {
    this.transport.responses.set(responses);
  }

  /** The requests of all attempts so far: URL, headers and body. */
  get requests(): readonly TransportRequest[] {
    return this.transport.requests;
  }

  /**
   * Attempts everything that is due by the clock, once, and calls the handlers of events.
   * @returns what was attempted
   */
  async deliverDue(): Promise<readonly SentCallback[]> {
    const due = this.open().filter(({ nextAttemptAt }) => nextAttemptAt <= this.clock.now());
    for (const record of due) await this.attempt(record);
    await this.handlers.finish();
    return due.map((record) => this.shown(record));
  }

  /**
   * Attempts all callbacks until each is delivered or given up. It sets the clock to each retry, and calls the handlers
   * of events.
   * @returns what was attempted
   */
  async deliverNow(): Promise<readonly SentCallback[]> {
    const open = this.open();
    for (let next = open[0]; next !== undefined; [next] = this.open()) {
      this.clock.set(Math.max(this.clock.now(), next.nextAttemptAt));
      await this.attempt(next);
    }
    await this.handlers.finish();
    return open.map((record) => this.shown(record));
  }

  /** Forgets callbacks, requests and responses; endpoints stay. */
  clear(): void {
    this.records.clear();
    this.transport.requests.length = 0;
    this.transport.responses.set([]);
  }

  /** For the messages of matchers. */
  describe(type: CallbackType, payload?: object): string {
    return `${described(this.nameOf(type), payload)}\n\n${this.summary()}`;
  }

  /** Callbacks with a next attempt, the next one first. */
  private open() {
    return this.records.all.filter(isOpen).toSorted((one, other) => one.nextAttemptAt - other.nextAttemptAt);
  }

  private async attempt(record: InMemoryCallback): Promise<void> {
    const endpoint = this.endpoints.withSecretsById(record.row.endpoint_id);
    if (!endpoint) {
      this.records.settle(record, { kind: 'giveUp', reason: 'cancelled' }, this.clock.now());
      this.handlers.emit('given_up', () => givenUpEvent(callbackOf(record), 'cancelled'));
      return;
    }
    const { id } = record.row;
    const { url, bearerToken, signingSecrets } = endpoint;
    const startedAt = this.clock.now();
    const outcome = await this.client.send({
      id,
      url,
      bearerToken,
      signingSecrets,
      body: this.bodyOf(record),
    });
    const callback = callbackOf(record);
    record.attempts.push(attemptRecordOf(callback, startedAt, outcome));
    const disposition = dispositionOf(callback, outcome, this.policy);
    this.records.settle(record, disposition, this.clock.now());
    this.emit(callback, disposition, outcome);
  }

  private emit(callback: Callback, disposition: Disposition, outcome: DeliveryOutcome): void {
    const facts = { attempt: callback.attempts + 1, durationMs: outcome.durationMs };
    if (outcome.kind === 'delivered')
      return this.handlers.emit('delivered', () => deliveredEvent(callback, facts, outcome.statusCode));
    const { failure } = outcome;
    if (disposition.kind === 'retryAt') {
      const nextAttemptAt = this.clock.now() + disposition.delayMs;
      this.handlers.emit('retrying', () => retryingEvent(callback, facts, failure, nextAttemptAt));
    }
    if (disposition.kind === 'giveUp')
      this.handlers.emit('given_up', () => givenUpEvent(callback, disposition.reason, { facts, failure }));
  }

  private bodyOf({ row }: InMemoryCallback): string {
    return this.cipher.decrypt(row.payload, payloadBinding(row.id));
  }

  private shown(record: InMemoryCallback): SentCallback {
    const { row, state, reason, nextAttemptAt, attempts } = record;
    return {
      id: row.id,
      serviceId: row.service_id,
      callbackType: row.callback_type,
      subjectId: row.subject_id,
      url: row.url,
      payload: JSON.parse(this.bodyOf(record)),
      state: shownState(state),
      reason,
      attemptCount: attempts.length,
      attempts: attempts.map(attemptOf),
      nextAttemptAt: state === 'scheduled' && nextAttemptAt !== null ? new Date(nextAttemptAt) : null,
    };
  }

  private nameOf(type: CallbackType): string {
    const name = typeof type === 'string' ? type : type.type;
    if (this.types.has(name)) return name;
    throw new UnknownCallbackTypeError(name, this.types.types());
  }

  private summary(): string {
    const lines = this.sent().map(
      ({ callbackType, payload }) => `  ${callbackType} ${inspect(payload, ON_ONE_LINE)}`,
    );
    return lines.length > 0 ? `Sent were:\n${lines.join('\n')}` : 'Nothing was sent';
  }

  private fail(message: string): never {
    throw new AssertionError({ message: `${message}\n\n${this.summary()}` });
  }
}

function described(type: string, payload?: object): string {
  return payload === undefined ? type : `${type} with ${inspect(payload)}`;
}

function isOpen(record: InMemoryCallback): record is InMemoryCallback & { nextAttemptAt: number } {
  return record.nextAttemptAt !== null;
}

function callbackOf({ row, attempts }: InMemoryCallback): Callback {
  return {
    id: row.id,
    serviceId: row.service_id,
    endpointId: row.endpoint_id,
    callbackType: row.callback_type,
    subjectId: row.subject_id,
    url: row.url,
    queuedAt: row.queued_at,
    generation: 0,
    attempts: attempts.length,
    earlierAttempts: 0,
  };
}

function shownState(state: InMemoryCallback['state']): SentCallback['state'] {
  if (state === 'scheduled') return 'retrying';
  return state === 'delivered' || state === 'given_up' ? state : 'waiting';
}
