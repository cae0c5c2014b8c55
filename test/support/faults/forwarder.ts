import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A connection of which the client gets no responses for now. */
export interface HeldResponses {
  /** What the client sent. */
  readonly request: string;
  /** The client gets them, late. */
  release(): void;
  /** Closes the connection: the client never gets them. */
  lose(): void;
}

/** A port that stays the same while the server behind it comes and goes, with another port each time. */
export interface Forwarder {
  readonly port: number;
  /** Refuses connections and breaks those that are open. */
  down(): Promise<void>;
  /** Carries nothing any more on the connections that are open, and does not close them; new ones work. */
  dropTraffic(): void;
  /** Waits for a client that sends this text. The server gets it, and its responses are held from then on. */
  holdResponses(text: string): Promise<HeldResponses>;
  /** Accepts them again. @param target the server's port now. */
  up(target: number): Promise<void>;
}

export async function startForwarder(firstTarget: number): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  const links = new Set<() => void>();
  let target = firstTarget;
  let onRequest: ((request: string, client: Socket, upstream: Socket) => void) | undefined;
  const track = (socket: Socket, other: () => Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      other().destroy();
    });
  };
  const open = async (port: number): Promise<Server> => {
    const server = createServer((client) => {
      const upstream = connect(target, '127.0.0.1');
      track(client, () => upstream);
      track(upstream, () => client);
      client.pipe(upstream).pipe(client);
      client.on('data', (chunk: Buffer) => onRequest?.(chunk.toString(), client, upstream));
      const drop = () => {
        for (const socket of [client, upstream]) socket.unpipe().resume();
      };
      links.add(drop);
      client.once('close', () => links.delete(drop));
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  let server: Server | undefined = await open(0);
  const { port } = server.address() as { port: number };
  return {
    port,
    down: async () => {
      const closing = server;
      server = undefined;
      if (!closing) return;
      const closed = once(closing, 'close');
      closing.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    dropTraffic: () => {
      for (const drop of links) drop();
    },
    holdResponses: (text) =>
      new Promise((resolve) => {
        onRequest = (request, client, upstream) => {
          if (!request.includes(text)) return;
          onRequest = undefined;
          upstream.unpipe(client);
          resolve({
            request,
            release: () => void upstream.pipe(client),
            lose: () => void client.destroy(),
          });
        };
      }),
    up: async (newTarget) => {
      target = newTarget;
      server ??= await open(port);
    },
  };
}
