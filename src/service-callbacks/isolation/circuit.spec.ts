import { describe, expect, it } from '@jest/globals';
import { Circuit, type Failure } from './circuit.js';

function failuresUntilOpen(circuit: Circuit, how: Failure): number {
  for (let failures = 1; ; failures += 1) if (circuit.failed(how)) return failures;
}

describe('Circuit', () => {
  it('opens with the configured number of failures in a row', () => {
    expect(failuresUntilOpen(new Circuit(3), 'failed')).toBe(3);
  });

  it('counts from the last success', () => {
    const circuit = new Circuit(3);
    circuit.failed('failed');
    circuit.failed('failed');
    circuit.succeeded();
    expect(failuresUntilOpen(circuit, 'failed')).toBe(3);
  });

  it('counts from zero after it has opened', () => {
    const circuit = new Circuit(3);
    expect(failuresUntilOpen(circuit, 'failed')).toBe(3);
    expect(failuresUntilOpen(circuit, 'failed')).toBe(3);
  });

  it.each([
    [1, 1],
    [3, 3],
    [10, 6],
    [20, 6],
    [60, 20],
  ])('with a limit of %i failures opens after %i timeouts', (failures, timeouts) => {
    expect(failuresUntilOpen(new Circuit(failures), 'timed_out')).toBe(timeouts);
  });

  it('counts timeouts that other failures interrupt as failures', () => {
    const circuit = new Circuit(20);
    for (let round = 0; round < 3; round += 1) {
      for (let timeout = 0; timeout < 5; timeout += 1) expect(circuit.failed('timed_out')).toBe(false);
      expect(circuit.failed('failed')).toBe(false);
    }
    expect(failuresUntilOpen(circuit, 'failed')).toBe(2);
  });

  it('is pristine again after a success', () => {
    const circuit = new Circuit(3);
    circuit.failed('failed');
    expect(circuit.isPristine).toBe(false);
    circuit.succeeded();
    expect(circuit.isPristine).toBe(true);
  });
});
