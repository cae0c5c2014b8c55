import { Injectable } from '@nestjs/common';
import { CallbackApiNotFoundError } from '../endpoints/errors.js';
import { CallbackApiRepository, type CallbackApi } from '../endpoints/callback-api.repository.js';
import { Clock } from '../clock.js';
import { ReplayRunRepository } from '../replay/replay-run.repository.js';
import { DeadLetterRepository } from '../history/dead-letter.repository.js';
import { Holds, type HeldEndpoint } from '../holds/holds.js';
import { WaitingCallbacks } from '../recorder/waiting-callbacks.js';
import type { DisabledReason, EndpointDisabled, MadeBy, OngoingFailure } from '../events/endpoint-change.js';
import { EndpointChanges } from './endpoint-changes.js';
import { EndpointStateRepository, type SwitchedEndpoint } from '../endpoints/endpoint-state.repository.js';

/** What enabling an endpoint found and started. */
export interface Enabled {
  readonly callbackApi: CallbackApi;
  /** Dead letters of this endpoint that were given up because it was disabled or gone, with no replay requested. */
  readonly waiting: number;
  /** How many of them are now replayed, at a bounded rate (`CALLBACK_REPLAY_RATE`). */
  readonly replaying: number;
  /** The id of that run (`ReplayRunRepository`). */
  readonly replayId: string | undefined;
}

/**
 * Disables and enables endpoints, each in one statement. If several processes try the same at once, only one changes
 * the row, and reports it.
 */
@Injectable()
export class EndpointSwitch {
  constructor(
    private readonly states: EndpointStateRepository,
    private readonly callbackApis: CallbackApiRepository,
    private readonly deadLetters: DeadLetterRepository,
    private readonly runs: ReplayRunRepository,
    private readonly changes: EndpointChanges,
    private readonly waiting: WaitingCallbacks,
    private readonly holds: Holds,
    private readonly clock: Clock,
  ) {}

  /**
   * Disables by hand. An endpoint that is disabled already stays as it is.
   * @throws CallbackApiNotFoundError
   */
  async disable(serviceId: string, callbackApiId: string, madeBy: MadeBy = {}): Promise<CallbackApi> {
    await this.find(serviceId, callbackApiId);
    await this.switchOff({ callbackApiId }, 'by_hand', { madeBy });
    return this.find(serviceId, callbackApiId);
  }

  /** Disables because of a 410 Gone (Standard Webhooks). Does nothing if the endpoint has another URL meanwhile. */
  async gone(callbackApiId: string, url: string): Promise<void> {
    await this.switchOff({ callbackApiId, url }, 'gone');
  }

  /** Disables because it has only failed since `failure.failingSince`. Does nothing if it has succeeded meanwhile. */
  async failing(callbackApiId: string, failure: OngoingFailure): Promise<void> {
    await this.switchOff({ callbackApiId, failingSince: failure.failingSince }, 'failing', { failure });
  }

  /**
   * Enables an endpoint, forgets its failures, and lifts its hold, even if it was not disabled.
   * @param options.replay also replays what was kept while it was disabled
   * @throws CallbackApiNotFoundError
   */
  async enable(
    serviceId: string,
    callbackApiId: string,
    { replay = false, ...madeBy }: { readonly replay?: boolean | undefined } & MadeBy = {},
  ): Promise<Enabled> {
    const found = await this.find(serviceId, callbackApiId);
    const switched = await this.states.enable(callbackApiId, madeBy.by);
    const kept = { callbackApiId, whileDisabled: true } as const;
    const waiting = await this.deadLetters.countReplayable({ serviceId }, kept);
    await this.holds.lift(heldEndpoint(found), 'enabled');
    if (switched)
      await this.changes.announce({ change: 'enabled', ...this.facts(switched), ...madeBy, waiting });
    const run = replay ? await this.runs.start({ serviceId }, { ...kept, state: 'given_up' }) : undefined;
    const replaying = run?.total ?? 0;
    return {
      callbackApi: await this.find(serviceId, callbackApiId),
      waiting: waiting - replaying,
      replaying,
      replayId: replaying > 0 ? run?.id : undefined,
    };
  }

  private async switchOff(
    which: Parameters<EndpointStateRepository['disable']>[0],
    reason: DisabledReason,
    { failure, madeBy = {} }: { readonly failure?: OngoingFailure; readonly madeBy?: MadeBy } = {},
  ): Promise<void> {
    const switched = await this.states.disable(which, reason, new Date(this.clock.now()), madeBy.by);
    if (!switched) return;
    const change: EndpointDisabled = {
      change: 'disabled',
      ...this.facts(switched),
      ...madeBy,
      reason,
      ...(failure && { failure }),
    };
    await this.changes.announce(change);
    await this.waiting.giveUp(switched.callbackApiId, 'disabled');
  }

  private facts(switched: SwitchedEndpoint) {
    return { ...switched, at: new Date(this.clock.now()) };
  }

  private async find(serviceId: string, id: string): Promise<CallbackApi> {
    const api = await this.callbackApis.find(serviceId, id);
    if (!api) throw new CallbackApiNotFoundError(serviceId, id);
    return api;
  }
}

function heldEndpoint({ id: endpointId, serviceId, callbackType, url }: CallbackApi): HeldEndpoint {
  return { endpointId, serviceId, callbackType, url };
}
