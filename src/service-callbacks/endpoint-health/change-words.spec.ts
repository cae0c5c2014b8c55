import { describe, expect, it } from '@jest/globals';
import { factsOf, wordsFor } from './change-words.js';
import type { EndpointWarned } from '../events/endpoint-change.js';

const warned: EndpointWarned = {
  change: 'warned',
  serviceId: 'a-service',
  callbackApiId: 'an-api',
  callbackType: 'delivery_status',
  url: 'https://service.example.com/',
  at: new Date('2026-03-04T12:00:00Z'),
  failingSince: new Date('2026-03-01T12:00:00Z'),
  attempts: 93,
  lastFailure: '503',
  percent: 90,
  disablesAt: new Date('2026-03-06T12:00:00Z'),
};

describe('a warning', () => {
  it('names the time at which the endpoint is disabled', () => {
    expect(wordsFor(warned)).toMatch(/93 times, the last with 503; it will be disabled at 2026-03-06T12:00/);
    expect(factsOf(warned)).toMatchObject({ disables_at: '2026-03-06T12:00:00.000Z' });
  });

  it('names what is missing if that time is over', () => {
    const overdue = { ...warned, disablesAt: null };
    expect(wordsFor(overdue)).toMatch(/it will be disabled with the 100th attempt$/);
    expect(factsOf(overdue)).toMatchObject({ disables_at: null });
  });
});
