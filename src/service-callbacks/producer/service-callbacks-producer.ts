import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { problemOfId } from '../../http/ids.js';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { CallbackApiRepository, type EndpointAddress } from '../endpoints/callback-api.repository.js';
import type { CallbackSubject, CallbackTypeDefinition } from '../callback-types/callback-type.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { complaint, type ComplaintInput } from '../callback-types/complaint.js';
import { deliveryStatus, type DeliveryStatusInput } from '../callback-types/delivery-status.js';
import { InvalidSubjectError, UnknownCallbackTypeError } from '../callback-types/errors.js';
import { inboundSms, type InboundSmsInput } from '../callback-types/inbound-sms.js';
import { payloadText } from '../callback-types/payload-text.js';
import { returnedLetter, type ReturnedLetterInput } from '../callback-types/returned-letter.js';
import { payloadBinding, type Callback } from '../callbacks/callback.js';
import { CallbackRepository, type NewCallback } from '../callbacks/callback.repository.js';
import { Clock } from '../clock.js';
import { MAIN_QUEUE } from '../queues/queue-names.js';
import { CallbackLogger } from '../recorder/callback-logger.js';
import { Relay } from '../relay/relay.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { inSendSpan } from '../tracing/tracing.js';
import type { TraceCarrier } from '../tracing/trace-carrier.js';
import { SameDatabase } from './same-database.js';
import { ServiceVolume } from './service-volume.js';

export interface SendOptions {
  /** The caller's `EntityManager`: the callback commits with the caller's transaction, or not at all. */
  readonly manager?: EntityManager;
}

/**
 * Why nothing was queued: the status is not final, the notification is a letter, or the service has no endpoint for the
 * type.
 */
export type NotQueuedReason = 'not_final' | 'letter' | 'no_callback_api';

export type SendResult =
  /** `id` is the callback's id: `callback_id` in the log, `webhook-id` on every request. */
  | { readonly queued: true; readonly id: string }
  /** The same news was sent within the idempotency window; `id` is the id of that callback. */
  | { readonly queued: false; readonly reason: 'duplicate'; readonly id: string }
  | { readonly queued: false; readonly reason: NotQueuedReason };

/** The most callbacks of a statement. */
const BATCH = 1_000;

/** One input: a reason not to send it, or news with its endpoint. */
type Decision = NotQueuedReason | News;

interface News {
  readonly row: Omit<NewCallback, 'trace'>;
  readonly callback: Callback;
}

/** What a host calls to send callbacks. */
@Injectable()
export class ServiceCallbacksProducer {
  constructor(
    private readonly types: CallbackTypeRegistry,
    private readonly callbackApis: CallbackApiRepository,
    private readonly callbacks: CallbackRepository,
    private readonly sameDatabase: SameDatabase,
    private readonly cipher: PayloadCipher,
    private readonly logger: CallbackLogger,
    private readonly volume: ServiceVolume,
    private readonly relay: Relay,
    private readonly clock: Clock,
  ) {}

  sendDeliveryStatus(notification: DeliveryStatusInput, options?: SendOptions): Promise<SendResult> {
    return this.send(deliveryStatus.type, notification, options);
  }

  sendComplaint(input: ComplaintInput, options?: SendOptions): Promise<SendResult> {
    return this.send(complaint.type, input, options);
  }

  sendInboundSms(input: InboundSmsInput, options?: SendOptions): Promise<SendResult> {
    return this.send(inboundSms.type, input, options);
  }

  sendReturnedLetter(input: ReturnedLetterInput, options?: SendOptions): Promise<SendResult> {
    return this.send(returnedLetter.type, input, options);
  }

  /**
   * Sends a callback of any type, also of the host's own. With the type's definition, the input is checked at compile
   * time. At most two statements.
   *
   * @throws UnknownCallbackTypeError naming the known types
   * @throws UnsendablePayloadError naming what in the payload cannot be sent
   * @throws InvalidSubjectError naming the invalid service or subject id
   * @throws ForeignDatabaseError if `manager` is on another database than the module
   * @throws any error of the database; then nothing is queued
   */
  async send<Input = unknown>(
    type: string | CallbackTypeDefinition<Input>,
    input: NoInfer<Input>,
    options?: SendOptions,
  ): Promise<SendResult> {
    const [result] = await this.sendMany(type, [input], options);
    return result as SendResult;
  }

  /**
   * Sends thousands at once: one lookup, and one insert for each thousand.
   * @returns one result for each input, in their order
   * @throws as `send`. With a `manager` nothing is queued then; without one, some thousands may be.
   */
  async sendMany<Input = unknown>(
    typeOrDefinition: string | CallbackTypeDefinition<Input>,
    inputs: readonly NoInfer<Input>[],
    { manager }: SendOptions = {},
  ): Promise<SendResult[]> {
    const type = typeof typeOrDefinition === 'string' ? typeOrDefinition : typeOrDefinition.type;
    const definition = this.types.get(type);
    if (!definition) throw new UnknownCallbackTypeError(type, this.types.types());
    // Before anything is read through the manager: a foreign database has no endpoints.
    await this.sameDatabase.assert(manager);
    const decisions = await this.decide(definition, inputs, manager);
    const news = decisions.filter((decision) => typeof decision === 'object');
    const recordIds = news.length > 0 ? await this.insert(news, manager) : new Map<string, string>();
    return decisions.map((decision) => resultOf(decision, recordIds));
  }

  private async decide(
    definition: CallbackTypeDefinition,
    inputs: readonly unknown[],
    manager?: EntityManager,
  ): Promise<Decision[]> {
    const skipped = inputs.map((input) => definition.skip?.(input));
    const subjects = inputs.map((input, index) =>
      skipped[index] ? undefined : subjectOf(definition, input),
    );
    const serviceIds = new Set(subjects.flatMap((subject) => subject?.serviceId ?? []));
    if (serviceIds.size === 0) return skipped as NotQueuedReason[];
    const addresses = await this.callbackApis.findAddresses([...serviceIds], definition.type, manager);
    return inputs.map((input, index) => {
      const skip = skipped[index];
      const subject = subjects[index];
      if (skip || !subject) return skip as NotQueuedReason;
      const address = addresses.get(subject.serviceId);
      return address ? this.newsOf(definition, input, subject, address) : 'no_callback_api';
    });
  }

  private newsOf(
    definition: CallbackTypeDefinition,
    input: unknown,
    { serviceId, subjectId, news }: CallbackSubject,
    { endpointId, url }: EndpointAddress,
  ): News {
    const id = uuidv7();
    const text = payloadText(definition.type, definition.payload(input));
    const queuedAt = this.clock.now();
    const callback: Callback = {
      id,
      serviceId,
      endpointId,
      callbackType: definition.type,
      subjectId,
      url,
      queuedAt,
      generation: 0,
      attempts: 0,
      earlierAttempts: 0,
    };
    const row = {
      id,
      service_id: serviceId,
      endpoint_id: endpointId,
      callback_type: definition.type,
      subject_id: subjectId,
      url,
      news_key: newsKey([endpointId, definition.type, subjectId, news === undefined ? { text } : news]),
      priority: this.volume.next(serviceId),
      queued_at: queuedAt,
      payload: this.cipher.encrypt(text, payloadBinding(id)),
    };
    return { row, callback };
  }

  /** @returns for each id, the id of the record that has the news */
  private async insert(news: readonly News[], manager?: EntityManager): Promise<Map<string, string>> {
    const ids = news.map(({ callback }) => callback.id);
    const recordIds = await inSendSpan(MAIN_QUEUE, ids, (trace) => this.insertBatches(news, trace, manager));
    for (const { callback } of news)
      if (recordIds.get(callback.id) === callback.id) this.logger.queued(callback);
    this.relay.nudge(manager?.queryRunner);
    return recordIds;
  }

  private async insertBatches(
    news: readonly News[],
    trace: TraceCarrier | undefined,
    manager?: EntityManager,
  ): Promise<Map<string, string>> {
    const recordIds = new Map<string, string>();
    for (let start = 0; start < news.length; start += BATCH) {
      const batch = news.slice(start, start + BATCH).map(({ row }) => ({ ...row, trace: trace ?? null }));
      for (const [id, recordId] of await this.callbacks.insert(batch, manager)) recordIds.set(id, recordId);
    }
    return recordIds;
  }
}

/** @throws InvalidSubjectError */
function subjectOf(definition: CallbackTypeDefinition, input: unknown): CallbackSubject {
  const subject = definition.identify(input);
  const { serviceId, subjectId } = subject;
  for (const [field, id] of Object.entries({ serviceId, subjectId })) {
    const problem = problemOfId(id);
    if (problem !== undefined) throw new InvalidSubjectError(definition.type, field, problem);
  }
  return subject;
}

/** JSON separates the parts unambiguously, whatever they contain. */
function newsKey(parts: readonly unknown[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    digest.slice(12, 16),
    digest.slice(16, 20),
    digest.slice(20, 32),
  ].join('-');
}

function resultOf(decision: Decision, recordIds: ReadonlyMap<string, string>): SendResult {
  if (typeof decision === 'string') return { queued: false, reason: decision };
  const { id } = decision.callback;
  const recordId = recordIds.get(id) ?? id;
  return recordId === id ? { queued: true, id } : { queued: false, reason: 'duplicate', id: recordId };
}
