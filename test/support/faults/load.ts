import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { Receiver } from '../receiver.js';
import { causeCallback, registerCallbackApi } from '../scenario.js';
import type { RestApi } from '../service.js';

/** The effect of a fault, counted at the receiver and not in the sender's own records. */
export interface FaultReport {
  readonly accepted: number;
  /** Different callbacks that arrived, including those whose acceptance got lost. */
  readonly arrived: number;
  /** Requests beyond the first of each callback. */
  readonly repeated: number;
  readonly lost: readonly string[];
  /** Receipts that got an error or no response. */
  readonly refused: number;
  /** From the fault's end to the next request at the receiver, ms. */
  readonly firstDeliveryMs: number | undefined;
}

/** Real receipts, one after the other, for one service. */
export interface Load {
  readonly serviceId: string;
  /** Ids of the callbacks whose receipt got a 200. */
  readonly accepted: ReadonlySet<string>;
  /** Resolves when this many more are accepted. */
  more(count: number): Promise<void>;
  /** Resolves when this many more receipts got an error. */
  refusals(count: number): Promise<void>;
  /** Sends no more receipts, and waits for those in flight. */
  stop(): Promise<void>;
  /** Waits until everything that was accepted has arrived, and prints. @param endOfFault a `performance.now()`. */
  report(fault: string, endOfFault?: number): Promise<FaultReport>;
}

export interface LoadOptions {
  readonly path: string;
  /** Between two receipts, ms. */
  readonly everyMs?: number;
  /** How long `report` waits for the last one, ms. */
  readonly maxWaitMs?: number;
}

/** A receipt on a machine that has much else to do, ms. */
const SLOWEST_MS = 300;

export async function startLoad(
  api: RestApi,
  receiver: Receiver,
  { path, everyMs = 25, maxWaitMs = 60_000 }: LoadOptions,
): Promise<Load> {
  const { serviceId } = await registerCallbackApi(api, { url: receiver.url(path) });
  const accepted = new Set<string>();
  const stopping = new AbortController();
  let refused = 0;

  const produce = async () => {
    while (!stopping.signal.aborted) {
      try {
        accepted.add((await causeCallback(api, serviceId)).id);
      } catch {
        refused += 1;
      }
      await sleep(everyMs);
    }
  };
  const producing = Promise.all([produce(), produce()]);

  const arrivals = () =>
    receiver.requests
      .filter((request) => request.path === path)
      .map(({ headers, at }) => ({ id: String(headers['webhook-id']), at }));
  const lost = () => {
    const arrived = new Set(arrivals().map(({ id }) => id));
    return [...accepted].filter((id) => !arrived.has(id));
  };

  return {
    serviceId,
    accepted,
    more: async (count) => {
      const goal = accepted.size + count;
      await eventually(
        async () => {
          if (accepted.size < goal)
            throw new Error(`${accepted.size} of ${goal} accepted, ${refused} refused`);
        },
        maxWaitMs + count * SLOWEST_MS,
      );
    },
    refusals: async (count) => {
      const goal = refused + count;
      await eventually(async () => {
        if (refused < goal) throw new Error(`${refused} of ${goal} refused, ${accepted.size} accepted`);
      }, maxWaitMs);
    },
    stop: async () => {
      stopping.abort();
      await producing;
    },
    report: async (fault, endOfFault) => {
      await eventually(async () => {
        if (lost().length > 0) throw new Error(`not arrived: ${lost().length} of ${accepted.size}`);
      }, maxWaitMs).catch(() => undefined);
      const all = arrivals();
      // A repeated request has the id of its callback, so no more ids than receipts can arrive.
      const known = accepted.size + refused;
      const arrived = new Set(all.map(({ id }) => id)).size;
      const next = all.find(({ at }) => endOfFault !== undefined && at > endOfFault);
      const report = {
        accepted: accepted.size,
        arrived,
        repeated: all.length - arrived,
        lost: lost(),
        refused,
        firstDeliveryMs: next && Math.round(next.at - (endOfFault ?? 0)),
      };
      print(fault, report);
      expect(arrived).toBeLessThanOrEqual(known);
      return report;
    },
  };
}

function print(fault: string, { lost, firstDeliveryMs, ...counts }: FaultReport): void {
  const figures = Object.entries({ ...counts, lost: lost.length }).map(([name, n]) => `${name} ${n}`);
  const first = firstDeliveryMs === undefined ? [] : [`first delivery after ${firstDeliveryMs} ms`];
  process.stdout.write(`fault: ${fault}: ${[...figures, ...first].join(', ')}\n`);
}
