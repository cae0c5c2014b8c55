import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CallbackApiRepository } from '../callback-apis/callback-api.repository.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { complaint, type ComplaintInput } from '../callback-types/complaint.js';
import { deliveryStatus, type DeliveryStatusInput } from '../callback-types/delivery-status.js';
import { inboundSms, type InboundSmsInput } from '../callback-types/inbound-sms.js';
import { returnedLetter, type ReturnedLetterInput } from '../callback-types/returned-letter.js';
import { Clock } from '../clock.js';
import { callbackId } from '../delivery/callback-id.js';
import { CallbackLog } from '../delivery/callback-log.js';
import { DocumentSealer } from '../delivery/document-sealer.js';
import { firstAttemptJob } from '../delivery/queued-jobs.js';
import { Enqueuer } from './enqueuer.js';
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

/** What a host calls when something happened to one of its messages. */
@Injectable()
export class ServiceCallbacksProducer {
  constructor(
    private readonly types: CallbackTypeRegistry,
    private readonly callbackApis: CallbackApiRepository,
    private readonly sealer: DocumentSealer,
    private readonly enqueuer: Enqueuer,
    private readonly log: CallbackLog,
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
   * Any type, the host's own included.
   * @throws UnknownCallbackTypeError naming the types that are known.
   * @throws what the database or the queue answers; then nothing is queued.
   */
  async send(type: string, input: unknown, { manager }: SendOptions = {}): Promise<SendResult> {
    const definition = this.types.get(type);
    if (!definition) throw new UnknownCallbackTypeError(type, this.types.types());
    const skip = definition.skip?.(input);
    if (skip) return { queued: false, reason: skip };

    const { serviceId, subjectId, news } = definition.identify(input);
    const target = await this.callbackApis.findTarget(serviceId, type, manager);
    if (!target) return { queued: false, reason: 'no_callback_api' };

    const id = callbackId({ serviceId, type, subjectId, news });
    const document = {
      v: 1,
      url: target.url,
      bearer_token: target.bearerToken,
      payload: definition.payload(input),
    } as const;
    const callback = {
      id,
      serviceId,
      callbackType: type,
      callbackApiId: target.callbackApiId,
      subjectId,
      queuedAt: this.clock.now(),
      generation: 0,
      attempts: [],
      document,
      sealed: this.sealer.seal(id, document),
    };
    await this.enqueuer.enqueue([firstAttemptJob(callback)], manager);
    this.log.queued(callback);
    return { queued: true, id };
  }
}
