import { once } from 'node:events';

/** Stops the run's PostgreSQL and waits until its files are gone. */
export default async function globalTeardown(): Promise<void> {
  const cluster = globalThis.testCluster;
  if (cluster === undefined || cluster.exitCode !== null) return;
  const ended = once(cluster, 'exit');
  cluster.disconnect();
  await ended;
}
