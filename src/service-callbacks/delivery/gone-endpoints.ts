import { Injectable, Logger } from '@nestjs/common';
import { describeError } from '../../observability/describe-error.js';
import { EndpointSwitch } from '../endpoint-health/endpoint-switch.js';

/** Disables endpoints that respond with 410. */
@Injectable()
export class GoneEndpoints {
  private readonly logger = new Logger('ServiceCallbacks');

  constructor(private readonly endpoints: EndpointSwitch) {}

  /** Does nothing if the endpoint has another URL meanwhile. Never throws: the next 410 tries again. */
  async disable(endpointId: string, url: string): Promise<void> {
    try {
      await this.endpoints.gone(endpointId, url);
    } catch (error) {
      this.logger.warn({
        event: 'endpoint.not_disabled',
        callback_api_id: endpointId,
        err: describeError(error),
        msg: 'An endpoint responded with 410 Gone and could not be disabled now',
      });
    }
  }
}
