import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { AnyJob } from '../../queues/queue-backend.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { callbackJobSchema, legacyJobSchema } from './callback-job.js';
import type { Callback } from './callback.js';
import { problemsOf } from '../unknown-json.js';
import { DocumentOpener } from './document-opener.js';

/** What a job turned out to be (R10). */
export type ReadJob =
  | { readonly kind: 'callback'; readonly callback: Callback }
  /** A document written before a field existed: the notification completes it. */
  | { readonly kind: 'incomplete'; readonly callback: Callback }
  /** Written before there was a document: the database completes it. */
  | {
      readonly kind: 'legacy';
      readonly callbackType: string;
      readonly serviceId: string;
      readonly notificationId: string;
      readonly queuedAt: number;
    }
  | UnreadableJob;

export interface UnreadableJob {
  readonly kind: 'unreadable';
  /** What is wrong with it, in words; no part of its contents. */
  readonly detail: string;
  readonly identity: Partial<Omit<Callback, 'document'>>;
}

@Injectable()
export class JobReader {
  constructor(
    private readonly opener: DocumentOpener,
    private readonly types: CallbackTypeRegistry,
  ) {}

  /** Never throws: a job that cannot be understood is an outcome. */
  read(job: AnyJob): ReadJob {
    const envelope = callbackJobSchema.safeParse(job.data);
    if (!envelope.success) return this.readOlder(job, envelope.error);
    const identity = {
      id: envelope.data.callback_id,
      serviceId: envelope.data.service_id,
      callbackType: envelope.data.callback_type,
      callbackApiId: envelope.data.callback_api_id,
      subjectId: envelope.data.subject_id,
      queuedAt: envelope.data.queued_at,
      generation: envelope.data.generation,
      generationStart: envelope.data.generation_start,
      attempts: envelope.data.attempts,
      sealed: envelope.data.document,
      trace: envelope.data.trace,
    };
    const opened = this.opener.open(identity.sealed, identity.id);
    if (opened.kind === 'closed') return { kind: 'unreadable', detail: opened.detail, identity };
    const { document } = opened;
    const required = this.types.get(identity.callbackType)?.requiredFields ?? [];
    const complete = required.every((field) => document.payload[field] !== undefined);
    return { kind: complete ? 'callback' : 'incomplete', callback: { ...identity, document } };
  }

  private readOlder(job: AnyJob, error: z.ZodError): ReadJob {
    const legacy = legacyJobSchema.safeParse(job.data);
    if (!legacy.success) {
      const detail = `the job has neither shape: ${problemsOf(error)}`;
      return { kind: 'unreadable', detail, identity: { queuedAt: job.timestamp } };
    }
    return {
      kind: 'legacy',
      callbackType: job.name,
      serviceId: legacy.data.service_id,
      notificationId: legacy.data.notification_id,
      queuedAt: job.timestamp,
    };
  }
}
