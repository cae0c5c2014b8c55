import { describe, expect, it } from '@jest/globals';
import { Circuit } from './circuit.js';

const OPTIONS = { failures: 3, openMs: 1_000 };

function opened(at = 0): Circuit {
  const circuit = new Circuit(OPTIONS);
  for (let failure = 0; failure < OPTIONS.failures; failure += 1) circuit.failed(at, 'failed');
  return circuit;
}

describe('Circuit', () => {
  it('stays closed below the number of failures in a row', () => {
    const circuit = new Circuit(OPTIONS);
    circuit.failed(0, 'failed');
    circuit.failed(0, 'failed');
    circuit.succeeded();
    circuit.failed(0, 'failed');
    circuit.failed(0, 'failed');
    expect(circuit.ask(0)).toEqual({ kind: 'closed' });
  });

  it('opens at the number of failures in a row, for as long as it is told', () => {
    const circuit = opened(100);
    expect(circuit.ask(100)).toEqual({ kind: 'open', until: 1_100 });
    expect(circuit.ask(1_099)).toEqual({ kind: 'open', until: 1_100 });
    expect(circuit.state(1_099)).toBe('open');
    expect(circuit.state(1_100)).toBe('half_open');
  });

  it.each([
    [1, 1],
    [3, 3],
    [10, 6],
    [20, 6],
    [60, 20],
  ])('of %i failures, %i are enough where they are timeouts', (failures, timeouts) => {
    const circuit = new Circuit({ failures, openMs: 1_000 });
    for (let timeout = 1; timeout < timeouts; timeout += 1) circuit.failed(0, 'timed_out');
    expect(circuit.state(0)).toBe('closed');
    circuit.failed(0, 'timed_out');
    expect(circuit.state(0)).toBe('open');
  });

  it('counts timeouts among failures, and as timeouts only those in a row', () => {
    const circuit = new Circuit({ failures: 20, openMs: 1_000 });
    for (let round = 0; round < 9; round += 1) {
      circuit.failed(0, 'timed_out');
      circuit.failed(0, 'failed');
    }
    circuit.failed(0, 'timed_out');
    expect(circuit.state(0)).toBe('closed');
    circuit.failed(0, 'failed');
    expect(circuit.state(0)).toBe('open');
  });

  it('lets exactly one through when the time is over; the others come back soon', () => {
    const circuit = opened();
    expect(circuit.ask(1_000)).toEqual({ kind: 'probe' });
    expect(circuit.ask(1_000)).toEqual({ kind: 'open', until: 2_000 });
    expect(circuit.peek(1_000)).toEqual({ kind: 'open', until: 2_000 });
  });

  it('closes when the probe succeeds', () => {
    const circuit = opened();
    circuit.ask(1_000);
    expect(circuit.succeeded()).toBe(true);
    expect(circuit.ask(1_001)).toEqual({ kind: 'closed' });
    expect(circuit.isPristine).toBe(true);
  });

  it('opens again for the whole time when the probe fails', () => {
    const circuit = opened();
    circuit.ask(1_000);
    circuit.failed(1_500, 'failed');
    expect(circuit.ask(1_501)).toEqual({ kind: 'open', until: 2_500 });
  });

  it('is not kept open by what was in flight when it opened', () => {
    const circuit = opened();
    circuit.failed(900, 'failed');
    expect(circuit.ask(1_000)).toEqual({ kind: 'probe' });
  });

  it('gives out another probe for one that was never sent', () => {
    const circuit = opened();
    circuit.ask(1_000);
    circuit.abandonProbe();
    expect(circuit.ask(1_001)).toEqual({ kind: 'probe' });
  });

  it('gives out no probe to who only looks', () => {
    const circuit = opened();
    expect(circuit.peek(1_000)).toEqual({ kind: 'probe' });
    expect(circuit.ask(1_000)).toEqual({ kind: 'probe' });
  });
});
