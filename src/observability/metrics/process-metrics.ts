import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * CPU, memory, event-loop delay and garbage collection, in a registry of its own: the default registry belongs to the
 * whole process.
 */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
