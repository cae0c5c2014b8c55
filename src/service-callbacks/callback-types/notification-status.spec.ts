import { describe, expect, it } from '@jest/globals';
import { NOTIFICATION_STATUSES, isFinalStatus, isNotNewsStatus } from './notification-status.js';

describe('notification statuses', () => {
  it.each([
    ['created', true, false],
    ['sending', true, false],
    ['pending', true, false],
    ['sent', false, false],
    ['delivered', false, true],
    ['permanent-failure', false, true],
    ['temporary-failure', false, true],
    ['technical-failure', false, true],
  ] as const)('%s: not news %p, final %p', (status, notNews, final) => {
    expect(isNotNewsStatus(status)).toBe(notNews);
    expect(isFinalStatus(status)).toBe(final);
    expect(NOTIFICATION_STATUSES).toContain(status);
  });

  it('are eight', () => {
    expect(NOTIFICATION_STATUSES).toHaveLength(8);
  });
});
