import { Injectable, Logger, Optional } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { describeError } from '../../observability/describe-error.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';
import { EndpointAlerts } from './endpoint-alerts.js';
import { factsOf, wordsFor } from './change-words.js';
import { ENDPOINT_EVENTS, type EndpointChange, type MadeBy } from './endpoint-change.js';

/**
 * Reports a change once it is in the database: to the log, the metrics, the host's own `EventEmitter2`
 * where it has one, and the endpoints that take alerts. A failure of one neither undoes the change nor stops the others.
 */
@Injectable()
export class EndpointChanges {
  private readonly logger = new Logger('ServiceCallbacks');

  constructor(
    private readonly metrics: CallbackMetrics,
    private readonly alerts: EndpointAlerts,
    @Optional() private readonly emitter?: EventEmitter2,
  ) {}

  async announce(change: EndpointChange): Promise<void> {
    const facts = { ...factsOf(change), ...whoMade(change) };
    const line = { event: `endpoint.${change.change}`, ...facts, msg: wordsFor(change) };
    if (change.change === 'warned' || change.change === 'disabled') this.logger.warn(line);
    else this.logger.log(line);
    this.metrics.endpointChanged(change.change);
    try {
      this.emitter?.emit(ENDPOINT_EVENTS[change.change], change);
    } catch (error) {
      this.failed('listener', change, error);
    }
    await this.alerts.send(change).catch((error: unknown) => this.failed('alert', change, error));
  }

  private failed(what: string, change: EndpointChange, error: unknown): void {
    this.logger.error({
      event: 'endpoint.notification_failed',
      change: change.change,
      callback_api_id: change.callbackApiId,
      what,
      err: describeError(error),
      msg: 'A listener failed at a change of an endpoint',
    });
  }
}

/** For the log alone: an alert goes to other people. */
function whoMade({ by, tokenName }: EndpointChange & MadeBy): Record<string, string> {
  return {
    ...(by !== undefined && { updated_by_id: by }),
    ...(tokenName !== undefined && { token_name: tokenName }),
  };
}
