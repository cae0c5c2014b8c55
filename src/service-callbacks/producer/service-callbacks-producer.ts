import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CallbackApiRepository } from '../callback-apis/callback-api.repository.js';
import type { QueuedJob } from '../../queues/queue-backend.js';
import { MAIN_QUEUE } from '../../queues/queue-names.js';
import type { CallbackTypeDefinition } from '../callback-types/callback-type.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { complaint, type ComplaintInput } from '../callback-types/complaint.js';
import { deliveryStatus, type DeliveryStatusInput } from '../callback-types/delivery-status.js';
import { inboundSms, type InboundSmsInput } from '../callback-types/inbound-sms.js';
import { returnedLetter, type ReturnedLetterInput } from '../callback-types/returned-letter.js';
import { Clock } from '../clock.js';
import { callbackId } from '../delivery/callback-id.js';
import type { Callback } from '../delivery/callback.js';
import { CallbackLog } from '../delivery/callback-log.js';
import { destinationOf } from '../delivery/destination.js';
import { DocumentSealer } from '../delivery/document-sealer.js';
import { firstAttemptJob } from '../delivery/queued-jobs.js';
import { inSendSpan } from '../tracing/tracing.js';
import { Enqueuer } from './enqueuer.js';
import { ServiceVolume } from './service-volume.js';
import { TargetLookup } from './target-lookup.js';
import { UnknownCallbackTypeError } from './unknown-callback-type.error.js';

export interface SendOptions {
  /** The caller's `EntityManager`: the callback commits with the caller's transaction, or not at all (R18). */
  readonly manager?: EntityManager;
}

/** Why nothing was queued: not news yet (R3), a letter's status (R2), or nowhere to send it (R1). */
export type NotQueuedReason = 'not_final' | 'letter' | 'no_callback_api';

export type SendResult =
  /** `id` is the callback's: `callback_id` in the log, `webhook-id` on every request. */
  | { readonly queued: true; readonly id: string }
  | { readonly queued: false; readonly reason: NotQueuedReason };

/** Callbacks a round trip to the queue. */
const BATCH = 1_000;

/** What a host calls when something happened to one of its messages. */
@Injectable()
export class ServiceCallbacksProducer {
  constructor(
    private readonly types: CallbackTypeRegistry,
    private readonly callbackApis: CallbackApiRepository,
    private readonly sealer: DocumentSealer,
    private readonly enqueuer: Enqueuer,
    private readonly log: CallbackLog,
    private readonly volume: ServiceVolume,
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
   * Any type, the host's own included; by its definition the input is checked at compile time.
   * @throws UnknownCallbackTypeError naming the types that are known.
   * @throws what the database or the queue answers; then nothing is queued.
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
   * For who has thousands at once: one existence check a service, one round trip to the queue a thousand.
   * @returns one result an input, in their order.
   * @throws as `send`; with a `manager` nothing is queued then, without one whole thousands may be.
   */
  async sendMany<Input = unknown>(
    typeOrDefinition: string | CallbackTypeDefinition<Input>,
    inputs: readonly NoInfer<Input>[],
    { manager }: SendOptions = {},
  ): Promise<SendResult[]> {
    const type = typeof typeOrDefinition === 'string' ? typeOrDefinition : typeOrDefinition.type;
    const definition = this.types.get(type);
    if (!definition) throw new UnknownCallbackTypeError(type, this.types.types());
    await this.enqueuer.assertOurs(manager);
    const targets = new TargetLookup(this.callbackApis, type, manager);
    const decisions: (Callback | NotQueuedReason)[] = [];
    for (const input of inputs) decisions.push(await this.decide(definition, input, targets));

    const callbacks = decisions.filter((decision) => typeof decision === 'object');
    if (callbacks.length > 0) await this.enqueue(callbacks, manager);
    return decisions.map((decision) =>
      typeof decision === 'object' ? { queued: true, id: decision.id } : { queued: false, reason: decision },
    );
  }

  private enqueue(callbacks: readonly Callback[], manager?: EntityManager): Promise<void> {
    const ids = callbacks.map(({ id }) => id);
    return inSendSpan(MAIN_QUEUE, ids, async (trace) => {
      for (let start = 0; start < callbacks.length; start += BATCH) {
        const batch = callbacks.slice(start, start + BATCH);
        await this.enqueuer.enqueue(
          batch.map((callback) => this.jobOf({ ...callback, trace })),
          manager,
        );
        for (const callback of batch) this.log.queued(callback);
      }
    });
  }

  /** The callback, or why there is none. */
  private async decide(
    definition: CallbackTypeDefinition,
    input: unknown,
    targets: TargetLookup,
  ): Promise<Callback | NotQueuedReason> {
    const skip = definition.skip?.(input);
    if (skip) return skip;
    const { type } = definition;
    const { serviceId, subjectId, news } = definition.identify(input);
    const target = await targets.find(serviceId);
    if (!target) return 'no_callback_api';
    const id = callbackId({ serviceId, type, subjectId, news });
    const document = { v: 1, ...destinationOf(target), payload: definition.payload(input) } as const;
    return {
      id,
      serviceId,
      callbackType: type,
      callbackApiId: target.callbackApiId,
      subjectId,
      queuedAt: this.clock.now(),
      generation: 0,
      generationStart: 0,
      attempts: [],
      document,
      sealed: this.sealer.seal(id, document),
    };
  }

  private jobOf(callback: Callback): QueuedJob {
    return firstAttemptJob(callback, this.volume.next(callback.serviceId));
  }
}
