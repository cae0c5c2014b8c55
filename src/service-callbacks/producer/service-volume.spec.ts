import { describe, expect, it } from '@jest/globals';
import { Clock } from '../clock.js';
import { ServiceVolume } from './service-volume.js';

class HeldClock extends Clock {
  time = 0;

  override now(): number {
    return this.time;
  }
}

function volume() {
  const clock = new HeldClock();
  return { clock, volume: new ServiceVolume(clock) };
}

describe('ServiceVolume', () => {
  it('gives a quiet service priority 1', () => {
    expect(volume().volume.next('quiet')).toBe(1);
  });

  it('lowers the priority of a burst with its logarithm', () => {
    const { volume: volumes } = volume();
    const priorities = Array.from({ length: 50_000 }, () => volumes.next('big'));
    expect(priorities.slice(0, 8)).toEqual([1, 2, 2, 3, 3, 3, 3, 4]);
    expect(Math.max(...priorities)).toBe(16);
    expect(volumes.next('small')).toBe(1);
  });

  it('forgets a burst with time', () => {
    const { volume: volumes, clock } = volume();
    for (let callback = 0; callback < 1_000; callback += 1) volumes.next('big');
    clock.time += 10_000;
    expect(volumes.next('big')).toBe(9);
    clock.time += 200_000;
    expect(volumes.next('big')).toBe(1);
  });

  it('ignores a clock that is set back', () => {
    const { volume: volumes, clock } = volume();
    clock.time = 100_000;
    volumes.next('a');
    clock.time = 0;
    expect(volumes.next('a')).toBe(2);
  });
});
