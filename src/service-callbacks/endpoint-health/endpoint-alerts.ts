import { Inject, Injectable } from '@nestjs/common';
import { endpointAlert } from '../callback-types/endpoint-alert.js';
import { ServiceCallbacksProducer } from '../producer/service-callbacks-producer.js';
import { SERVICE_CALLBACKS_OPTIONS, type CompleteOptions } from '../service-callbacks.options.js';
import { factsOf, wordsFor } from './change-words.js';
import type { EndpointChange } from '../events/endpoint-change.js';

/**
 * Sends changes of endpoints as callbacks of the type `endpoint_alert`, with everything that callbacks have: to the
 * operators (`ALERT_WEBHOOK_URL`) and to the endpoint's own service, if they have an endpoint of that type.
 */
@Injectable()
export class EndpointAlerts {
  constructor(
    private readonly producer: ServiceCallbacksProducer,
    @Inject(SERVICE_CALLBACKS_OPTIONS) private readonly options: CompleteOptions,
  ) {}

  /** No alerts about an endpoint that gets alerts: a failing one would cause alerts about itself without end. */
  async send(change: EndpointChange): Promise<void> {
    if (change.callbackType === endpointAlert.type) return;
    const { callbackApiId, at } = change;
    const news = { callbackApiId, change: change.change, at, text: wordsFor(change), facts: factsOf(change) };
    for (const recipientId of [...(this.options.alerts ? [OPERATORS] : []), change.serviceId]) {
      await this.producer.send(endpointAlert, { ...news, recipientId });
    }
  }
}

/**
 * The service id of the platform's operators. Their alerts are ordinary callbacks: their endpoint, dead letters and
 * records have this id. Never change it.
 */
export const OPERATORS = '00000000-0000-8000-8000-6f70657261a7';
