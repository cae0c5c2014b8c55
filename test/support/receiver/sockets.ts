import { EventEmitter, once } from 'node:events';
import type { Server, Socket } from 'node:net';

/** The TCP connections of a server: how many there were, how many are open, and a way to end all. */
export class Sockets {
  /** Accepted since the start. */
  accepted = 0;
  private readonly open = new Set<Socket>();
  private readonly events = new EventEmitter().setMaxListeners(0);

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.accepted += 1;
      this.open.add(socket);
      // Tests make clients reset their connections: that is no failure of the receiver.
      socket.on('error', () => {});
      socket.on('close', () => {
        this.open.delete(socket);
        if (this.open.size === 0) this.events.emit('none-open');
      });
      this.events.emit('accepted');
    });
  }

  /** Open now. */
  get openCount(): number {
    return this.open.size;
  }

  /** Resolves when no connection is open. */
  async allClosed(): Promise<void> {
    if (this.open.size > 0) await once(this.events, 'none-open');
  }

  /** Resolves when a connection has ever been accepted. */
  async anyAccepted(): Promise<void> {
    if (this.accepted === 0) await once(this.events, 'accepted');
  }

  destroyAll(): void {
    for (const socket of this.open) socket.destroy();
  }
}
