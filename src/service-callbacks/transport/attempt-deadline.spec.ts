import { describe, expect, it } from '@jest/globals';
import { AttemptDeadline } from './attempt-deadline.js';

const FAR_MS = 60_000;

describe('AttemptDeadline', () => {
  it('is heard once by each who listens when its time has come', async () => {
    const deadline = new AttemptDeadline(1);
    const heard: string[] = [];
    deadline.on(() => heard.push('first'));
    await new Promise<void>((resolve) => deadline.on(resolve));
    deadline.end();
    expect(heard).toEqual(['first']);
    expect(deadline.isOver).toBe(true);
  });

  it('is heard when the attempt ends before', () => {
    const deadline = new AttemptDeadline(FAR_MS);
    let times = 0;
    deadline.on(() => (times += 1));
    expect(deadline.isOver).toBe(false);
    deadline.end();
    deadline.end();
    expect(times).toBe(1);
  });

  it('is heard at once by who listens too late, and no more by who has stopped', () => {
    const deadline = new AttemptDeadline(FAR_MS);
    const heard: string[] = [];
    const stopped = () => heard.push('stopped');
    deadline.on(stopped);
    deadline.off(stopped);
    deadline.end();
    deadline.on(() => heard.push('late'));
    expect(heard).toEqual(['late']);
  });
});
