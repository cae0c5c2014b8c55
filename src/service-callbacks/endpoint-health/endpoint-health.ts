import { Inject, Injectable } from '@nestjs/common';
import { CallbackApiNotFoundError } from '../endpoints/errors.js';
import { CallbackApiRepository, type CallbackApi } from '../endpoints/callback-api.repository.js';
import { Clock } from '../clock.js';
import { DeadLetterRepository } from '../history/dead-letter.repository.js';
import { EndpointReader } from '../reporting/endpoint.reader.js';
import type { EndpointFigures } from '../history/records.js';
import type { EndpointHealthOptions } from '../service-callbacks.options.js';
import { ENDPOINT_HEALTH_OPTIONS } from '../tokens.js';
import { DisablePolicy } from './disable-policy.js';

/** `unknown`: no attempts yet. */
export type EndpointStatus = 'unknown' | 'healthy' | 'failing' | 'disabled';

export interface EndpointHealthReport {
  readonly callbackApi: CallbackApi;
  readonly status: EndpointStatus;
  readonly figures: EndpointFigures;
  /** The percentage of the last warning of the current failure; 0: none. */
  readonly warnedPercent: number;
  /**
   * When it is disabled if the failure continues. Null: it is not failing, it is never disabled, or only attempts are
   * missing (100 are needed).
   */
  readonly disablesAt: Date | null;
  /** Dead letters with the reason `disabled` and no replay requested. */
  readonly waiting: number;
}

/** The health of one endpoint. */
@Injectable()
export class EndpointHealth {
  private readonly policy: DisablePolicy;

  constructor(
    private readonly callbackApis: CallbackApiRepository,
    private readonly figures: EndpointReader,
    private readonly deadLetters: DeadLetterRepository,
    private readonly clock: Clock,
    @Inject(ENDPOINT_HEALTH_OPTIONS) { disableAfterMs }: EndpointHealthOptions,
  ) {
    this.policy = new DisablePolicy(disableAfterMs);
  }

  /** @throws CallbackApiNotFoundError */
  async read(serviceId: string, callbackApiId: string): Promise<EndpointHealthReport> {
    const callbackApi = await this.callbackApis.find(serviceId, callbackApiId);
    const figures = callbackApi && (await this.figures.read({ serviceId }, callbackApiId));
    if (!figures) throw new CallbackApiNotFoundError(serviceId, callbackApiId);
    return {
      callbackApi,
      figures,
      status: statusOf(callbackApi, figures),
      warnedPercent: figures.warnedPercent,
      disablesAt: this.disablesAt(callbackApi, figures),
      waiting: await this.deadLetters.countReplayable({ serviceId }, { callbackApiId, reason: 'disabled' }),
    };
  }

  private disablesAt({ disabledAt }: CallbackApi, { failingSince }: EndpointFigures): Date | null {
    if (disabledAt !== null || failingSince === null) return null;
    return this.policy.disablesAt(failingSince, this.clock.now());
  }
}

function statusOf({ disabledAt }: CallbackApi, figures: EndpointFigures): EndpointStatus {
  if (disabledAt !== null) return 'disabled';
  if (figures.failingSince !== null) return 'failing';
  return figures.lastSuccessAt === null ? 'unknown' : 'healthy';
}
