import { describe, expect, it } from '@jest/globals';
import { AttemptDeadline } from './attempt-deadline.js';

const FAR_MS = 60_000;

describe('AttemptDeadline', () => {
  it('calls each listener once when its time has come', async () => {
    const deadline = new AttemptDeadline(1);
    const calls: string[] = [];
    deadline.on(() => calls.push('first'));
    await new Promise<void>((resolve) => deadline.on(resolve));
    deadline.end();
    expect(calls).toEqual(['first']);
    expect(deadline.isOver).toBe(true);
  });

  it('calls its listeners when the attempt ends before', () => {
    const deadline = new AttemptDeadline(FAR_MS);
    let times = 0;
    deadline.on(() => (times += 1));
    expect(deadline.isOver).toBe(false);
    deadline.end();
    deadline.end();
    expect(times).toBe(1);
  });

  it('calls a late listener at once, and a removed listener no more', () => {
    const deadline = new AttemptDeadline(FAR_MS);
    const calls: string[] = [];
    const stopped = () => calls.push('stopped');
    deadline.on(stopped);
    deadline.off(stopped);
    deadline.end();
    deadline.on(() => calls.push('late'));
    expect(calls).toEqual(['late']);
  });
});
