import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';

/** The time in which a service's volume halves if it sends nothing, ms. */
const HALF_LIFE_MS = 10_000;
/** A service with less volume is forgotten. */
const FORGOTTEN_BELOW = 0.5;
/** The priority of a service without volume. The relay reads priorities up to 24: no volume reaches that. */
const HIGHEST = 1;

interface Volume {
  readonly count: number;
  readonly at: number;
}

/**
 * The recent volume of a service as a priority: 1 + ⌊log₂(1 + volume)⌋; a lower number goes first. Fifty thousand
 * callbacks of one service wait behind a single callback of another. Among themselves they keep their order, roughly:
 * the first callbacks of a burst go before the last.
 */
@Injectable()
export class ServiceVolume {
  private readonly volumes = new Map<string, Volume>();

  constructor(private readonly clock: Clock) {}

  /**
   * Counts one more callback of the service.
   * @returns its priority, from 1
   */
  next(serviceId: string): number {
    const now = this.clock.now();
    const before = this.current(serviceId, now);
    this.volumes.delete(serviceId);
    this.volumes.set(serviceId, { count: before + 1, at: now });
    this.forgetQuiet(now);
    return HIGHEST + Math.floor(Math.log2(1 + before));
  }

  private current(serviceId: string, now: number): number {
    const volume = this.volumes.get(serviceId);
    return volume ? decayed(volume, now) : 0;
  }

  /**
   * Forgets quiet services, least recently seen first. Two for each call keep the map as small as the number of recent
   * senders.
   */
  private forgetQuiet(now: number): void {
    let looked = 0;
    for (const [serviceId, volume] of this.volumes) {
      if (looked >= 2 || decayed(volume, now) >= FORGOTTEN_BELOW) return;
      this.volumes.delete(serviceId);
      looked += 1;
    }
  }
}

function decayed({ count, at }: Volume, now: number): number {
  return count * 2 ** (-Math.max(0, now - at) / HALF_LIFE_MS);
}
