import { Injectable, Logger } from '@nestjs/common';
import { describeError } from '../../observability/describe-error.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';
import { EndpointAlerts } from './endpoint-alerts.js';
import { factsOf, wordsFor } from './change-words.js';
import { CallbackHandlers } from '../events/callback-handlers.js';
import type { EndpointChange, MadeBy } from '../events/endpoint-change.js';

/**
 * Reports a change after its commit: to the log, the metrics, the host's handlers, and the endpoints for alerts. If one
 * of them fails, the change and the others stand.
 */
@Injectable()
export class EndpointChanges {
  private readonly logger = new Logger('ServiceCallbacks');

  constructor(
    private readonly metrics: CallbackMetrics,
    private readonly alerts: EndpointAlerts,
    private readonly handlers: CallbackHandlers,
  ) {}

  async announce(change: EndpointChange): Promise<void> {
    const facts = { ...factsOf(change), ...whoMade(change) };
    const line = { event: `endpoint.${change.change}`, ...facts, msg: wordsFor(change) };
    if (change.change === 'warned' || change.change === 'disabled') this.logger.warn(line);
    else this.logger.log(line);
    this.metrics.endpointChanged(change.change);
    this.handlers.emit(`endpoint_${change.change}`, () => change);
    await this.alerts.send(change).catch((error: unknown) => this.failed(change, error));
  }

  private failed(change: EndpointChange, error: unknown): void {
    this.logger.error({
      event: 'endpoint.notification_failed',
      change: change.change,
      callback_api_id: change.callbackApiId,
      err: describeError(error),
      msg: 'An alert of a change of an endpoint could not be sent',
    });
  }
}

/** Only for the log: alerts go to other people. */
function whoMade({ by, tokenName }: EndpointChange & MadeBy): Record<string, string> {
  return {
    ...(by !== undefined && { updated_by_id: by }),
    ...(tokenName !== undefined && { token_name: tokenName }),
  };
}
