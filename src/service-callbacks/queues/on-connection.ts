import type { Socket } from 'node:net';
import type { Cluster, Redis } from 'ioredis';

/** Called with each connection that the client, or each node of a cluster, makes. */
export function onConnection(client: Redis | Cluster, use: (socket: Socket) => void): void {
  // By its methods, not by its class: a host may have its own ioredis.
  if ('nodes' in client) client.on('+node', (node: Redis) => onConnection(node, use));
  else client.on('connect', () => use(client.stream));
}
