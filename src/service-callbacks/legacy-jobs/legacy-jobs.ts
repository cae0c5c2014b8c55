import { Injectable, Optional } from '@nestjs/common';
import { v5 as uuidv5 } from 'uuid';
import { CallbackApiRepository } from '../endpoints/callback-api.repository.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { deliveryStatus, type DeliveryStatusInput } from '../callback-types/delivery-status.js';
import { payloadBinding } from '../callbacks/callback.js';
import { CallbackRepository, type ForeignRecord } from '../callbacks/callback.repository.js';
import type { AnyJob } from '../queues/queue-backend.js';
import { CallbackRecorder } from '../recorder/callback-recorder.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { UnknownEncryptionKeyError } from '../security/errors.js';
import { parsedJson, problemsOf } from '../unknown-json.js';
import { documentSchema, envelopeSchema, notificationJobSchema, type Envelope } from './legacy-shapes.js';
import { NotificationSource } from './notification-source.js';

/** A stable id for a job without one: a job that is read twice becomes one record. */
const FOREIGN_JOB_NAMESPACE = '0d1f3f0e-0b0c-4f3e-9d38-5c1a7a2f7c55';
/** The namespace of the ids of the original shape. */
const CALLBACK_NAMESPACE = '2ec26a4d-3a5a-4c1c-9c8c-5a6a5f8b6a3d';
/** The most characters of a detail, and of an id in a foreign job. */
const MAX = { detail: 500, id: 255 } as const;

/**
 * Reads jobs that are not batches: the two shapes of earlier releases, and unknown shapes. Each becomes a record, and
 * goes on like any other; an unreadable job becomes a record that is given up. This folder can be deleted when no queue
 * can have such a job any more.
 */
@Injectable()
export class LegacyJobs {
  constructor(
    private readonly callbacks: CallbackRepository,
    private readonly callbackApis: CallbackApiRepository,
    private readonly types: CallbackTypeRegistry,
    private readonly cipher: PayloadCipher,
    private readonly recorder: CallbackRecorder,
    @Optional() private readonly notifications?: NotificationSource,
  ) {}

  /** @throws if a store does not respond, or a key is missing: the job is then kept */
  async accept(job: AnyJob): Promise<void> {
    const record = await this.recordOf(job);
    const isNew = await this.callbacks.record(record);
    if (!isNew || record.reason === null) return;
    const row = { ...record, attempt_count: record.attempts.length };
    this.recorder.gaveUpRow(row, record.reason, { detail: record.detail ?? undefined });
  }

  private async recordOf(job: AnyJob): Promise<ForeignRecord> {
    const envelope = envelopeSchema.safeParse(job.data);
    if (envelope.success) return this.ofEnvelope(envelope.data);
    const original = notificationJobSchema.safeParse(job.data);
    if (original.success) return this.ofNotification(job, original.data);
    return unreadable(foreign(job), `the job has no known shape: ${problemsOf(envelope.error)}`);
  }

  private async ofEnvelope(envelope: Envelope): Promise<ForeignRecord> {
    const base: ForeignRecord = {
      ...NOTHING,
      id: envelope.callback_id,
      service_id: bounded(envelope.service_id),
      callback_type: bounded(envelope.callback_type),
      subject_id: bounded(envelope.subject_id),
      generation: envelope.generation,
      attempts: envelope.attempts,
      earlier_attempts: Math.min(envelope.generation_start, envelope.attempts.length),
      queued_at: envelope.queued_at,
      trace: envelope.trace ?? null,
    };
    const text = this.decrypt(envelope.document, envelope.callback_id);
    if (text instanceof Error) return unreadable(base, text.message);
    const document = documentSchema.safeParse(parsedJson(text));
    if (!document.success) return unreadable(base, `the document is not one: ${problemsOf(document.error)}`);
    const payload = await this.completed(base, document.data.payload);
    if (typeof payload === 'string') return unreadable(base, payload);
    return this.addressed({ ...base, url: document.data.url, payload: this.seal(base.id, payload) });
  }

  /**
   * Adds fields that the release of this job did not know.
   * @returns a text, if the job cannot be completed: the reason
   */
  private async completed(
    { callback_type: type, subject_id: subjectId }: ForeignRecord,
    payload: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>> | string> {
    const required = this.types.get(type)?.requiredFields ?? [];
    if (required.every((field) => payload[field] !== undefined)) return payload;
    const notification = await this.findNotification(subjectId ?? '');
    return typeof notification === 'string'
      ? notification
      : { ...deliveryStatus.payload(notification), ...payload };
  }

  private async ofNotification(
    job: AnyJob,
    {
      notification_id: notificationId,
      service_id: serviceId,
    }: { notification_id: string; service_id: string },
  ): Promise<ForeignRecord> {
    const type = job.name;
    const base = {
      ...foreign(job),
      service_id: serviceId,
      callback_type: bounded(type),
      subject_id: notificationId,
    };
    if (type !== deliveryStatus.type) {
      const problem = this.types.has(type) ? 'cannot be completed from a notification' : 'is not known';
      return unreadable(base, `the callback type ${type} ${problem}`);
    }
    const notification = await this.findNotification(notificationId);
    if (typeof notification === 'string') return unreadable(base, notification);
    if (notification.serviceId !== serviceId)
      return unreadable(base, 'the notification is of another service');
    const notNews = deliveryStatus.skip?.(notification);
    if (notNews) return unreadable(base, `the notification is no news: ${notNews}`);
    const id = uuidv5(
      JSON.stringify([serviceId, type, notificationId, notification.status]),
      CALLBACK_NAMESPACE,
    );
    return this.addressed({ ...base, id, payload: this.seal(id, deliveryStatus.payload(notification)) });
  }

  /** With the endpoint at this moment. */
  private async addressed(record: ForeignRecord): Promise<ForeignRecord> {
    const serviceId = record.service_id ?? '';
    const addresses = await this.callbackApis.findAddresses([serviceId], record.callback_type);
    const endpoint = addresses.get(serviceId);
    if (!endpoint) return { ...record, state: 'given_up', reason: 'cancelled' };
    return { ...record, endpoint_id: endpoint.endpointId, url: endpoint.url };
  }

  /** The notification, or a text that says why there is none. */
  private async findNotification(id: string): Promise<DeliveryStatusInput | string> {
    if (!this.notifications) return 'no NotificationSource is provided to complete the job from';
    const found = await this.callbacks.onConnection((manager) =>
      this.notifications?.findNotification(id, manager),
    );
    return found ?? 'the notification does not exist';
  }

  /** @throws UnknownEncryptionKeyError: another process may have the key */
  private decrypt(sealed: string, id: string): string | Error {
    try {
      return this.cipher.decrypt(sealed, payloadBinding(id));
    } catch (error) {
      if (error instanceof UnknownEncryptionKeyError) throw error;
      return error as Error;
    }
  }

  private seal(id: string, payload: Readonly<Record<string, unknown>>): string {
    return this.cipher.encrypt(JSON.stringify(payload), payloadBinding(id));
  }
}

const NOTHING: ForeignRecord = {
  id: '',
  service_id: null,
  endpoint_id: null,
  callback_type: 'unknown',
  subject_id: null,
  url: null,
  state: 'pending',
  reason: null,
  detail: null,
  generation: 0,
  attempts: [],
  earlier_attempts: 0,
  queued_at: 0,
  trace: null,
  payload: null,
};

function foreign(job: AnyJob): ForeignRecord {
  const id = uuidv5(`${job.queueName}/${job.id}`, FOREIGN_JOB_NAMESPACE);
  return { ...NOTHING, id, queued_at: job.timestamp };
}

function unreadable(record: ForeignRecord, detail: string): ForeignRecord {
  return { ...record, state: 'given_up', reason: 'unreadable', detail: detail.slice(0, MAX.detail) };
}

function bounded(text: string): string {
  return text.slice(0, MAX.id);
}
