import type { Socket } from 'node:net';
import type { Cluster, Redis } from 'ioredis';

/** Calls back with each connection that the client, or each of its nodes, makes. */
export function onConnection(client: Redis | Cluster, use: (socket: Socket) => void): void {
  // By what it can do, not by its class: a host may have an ioredis of its own.
  if ('nodes' in client) client.on('+node', (node: Redis) => onConnection(node, use));
  else client.on('connect', () => use(client.stream));
}
