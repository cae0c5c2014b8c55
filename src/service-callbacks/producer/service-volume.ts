import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';

/** A service's volume halves in this time when it sends nothing, ms. */
const HALF_LIFE_MS = 10_000;
/** Below this, a service is forgotten. */
const FORGOTTEN_BELOW = 0.5;
/** BullMQ's largest priority is 2,097,151; no volume comes near. */
const HIGHEST = 1;

interface Volume {
  readonly count: number;
  readonly at: number;
}

/**
 * How much a service has sent lately, as a priority: 1 + ⌊log₂(1 + volume)⌋, where a lower number goes
 * first. Fifty thousand callbacks of one service stand behind the one of another, and still in the order
 * in which they came among themselves, roughly: the first of a burst are not held back by the last.
 */
@Injectable()
export class ServiceVolume {
  private readonly volumes = new Map<string, Volume>();

  constructor(private readonly clock: Clock) {}

  /** Counts one more callback of the service. @returns its priority; never 0, which overtakes everything. */
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

  /** Least recently seen first; two a call keep the map as small as the recent senders are many. */
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
