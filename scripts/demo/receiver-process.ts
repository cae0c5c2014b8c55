import { fork } from 'node:child_process';
import { exitOf, stopChild } from './child.js';
import { Feed } from './feed.js';
import type { PlannedResponse } from './scenarios.js';

/** A request as it arrived at the receiver, and its response. */
export interface Arrival {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly response: PlannedResponse;
}

/** Messages of the receiver to its parent. */
export type ReceiverMessage =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'arrival'; readonly arrival: Arrival };

export interface ReceiverProcess {
  readonly url: string;
  readonly arrivals: Feed<Arrival>;
  stop(): Promise<void>;
}

/** Starts receiver.ts as a process of its own, which prints what it receives. */
export async function startReceiver(signal: AbortSignal): Promise<ReceiverProcess> {
  const arrivals = new Feed<Arrival>();
  const urls = new Feed<string>();
  // Detached, so that Ctrl-C reaches only the demo, which then stops its children in order.
  const child = fork(new URL('./receiver.js', import.meta.url), { detached: true });
  child.on('message', (message: ReceiverMessage) => {
    if (message.kind === 'listening') urls.push(message.url);
    else arrivals.push(message.arrival);
  });
  void exitOf(child).then(({ words }) => {
    const ended = new Error(`The receiver ${words}.`);
    urls.end(ended);
    arrivals.end(ended);
  });
  const stop = () => stopChild(child);
  try {
    return { url: await urls.waitFor(([url]) => url, signal), arrivals, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
