import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import type { HoldReason } from '../callbacks/callback.js';
import type { CircuitView, LogScope } from '../history/records.js';
import { tablesOf } from '../callbacks/callback.repository.js';
import {
  holdStatement,
  liftStatement,
  releaseDueStatement,
  openHoldsStatement,
} from '../callbacks/state-machine.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

/** The endpoint, for the log. */
export interface HeldEndpoint {
  readonly endpointId: string;
  readonly serviceId: string;
  readonly callbackType: string;
  readonly url: string;
}

/** A hold that is released now. */
export interface ReleasedHold {
  readonly endpointId: string;
  readonly reason: HoldReason;
  /** Null if it is deleted or disabled. */
  readonly endpoint: HeldEndpoint | null;
}

/** A hold that is not over. */
export interface HoldRow {
  readonly endpoint_id: string;
  readonly reason: HoldReason;
  readonly state: 'open' | 'releasing';
  /** Until the endpoint may get the next attempt, by the database's clock, ms; negative where it may. */
  readonly due_in_ms: number;
}

/** Endpoints that get nothing now: a row for each, shared by all processes and kept over restarts. */
@Injectable()
export class HoldRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  notLifted(): Promise<HoldRow[]> {
    return rows<HoldRow>(this.dataSource, openHoldsStatement(tablesOf(this.dataSource)));
  }

  /**
   * @param forMs the time until it may get its next attempt
   * @param attemptAgeMs the time since the attempt that causes the hold began
   * @returns whether the hold is new, or has a new reason
   */
  async open(endpointId: string, reason: HoldReason, forMs: number, attemptAgeMs: number): Promise<boolean> {
    const [opened] = await rows<{ is_new: boolean }>(
      this.dataSource,
      holdStatement(tablesOf(this.dataSource)),
      [endpointId, reason, Math.round(forMs), Math.round(attemptAgeMs)],
    );
    return opened?.is_new === true;
  }

  /** @returns whether it was on hold */
  async lift(endpointId: string): Promise<boolean> {
    return (await rows(this.dataSource, liftStatement(tablesOf(this.dataSource)), [endpointId])).length > 0;
  }

  /** The circuits that are not closed. */
  async circuits(scope: LogScope, endpointId?: string): Promise<CircuitView[]> {
    const { callbacks, holds, endpoints } = tablesOf(this.dataSource);
    const found = await rows<{ id: string; is_half_open: boolean; until: Date }>(
      this.dataSource,
      `SELECT h.endpoint_id AS id, h.next_probe_at AS until, h.state = 'releasing' OR EXISTS (
         SELECT FROM ${callbacks} c WHERE c.id = h.probe_id AND c.state || '' = 'queued') AS is_half_open
       FROM ${holds} h JOIN ${endpoints} e ON e.id = h.endpoint_id
       WHERE h.state <> 'lifted' AND ($1::uuid IS NULL OR h.endpoint_id = $1)
         AND ($2::text IS NULL OR e.service_id = $2)
       ORDER BY h.endpoint_id`,
      [endpointId ?? null, scope === 'all' ? null : scope.serviceId],
      ['until'],
    );
    return found.map(({ id, is_half_open: isHalfOpen, until }) => ({
      callbackApiId: id,
      state: isHalfOpen ? 'half_open' : 'open',
      until: isHalfOpen ? null : until,
    }));
  }

  /**
   * Releases holds whose time is over, and those that would be probed but have no held callbacks. Ends released holds
   * without held callbacks.
   * @returns the holds that are released now
   */
  async releaseDue(): Promise<ReleasedHold[]> {
    const moved = await rows<Omit<ReleasedHold, 'endpointId'> & { endpoint_id: string; state: string }>(
      this.dataSource,
      releaseDueStatement(tablesOf(this.dataSource)),
    );
    return moved
      .filter(({ state }) => state === 'releasing')
      .map(({ endpoint_id: endpointId, reason, endpoint }) => ({ endpointId, reason, endpoint }));
  }
}
