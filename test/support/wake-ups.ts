import { randomUUID } from 'node:crypto';
import type { Receiver } from './receiver.js';
import { causeCallback, registerCallbackApi } from './scenario.js';
import type { RestApi } from './service.js';

/** Without a wake-up, a relay looks within this time, and a worker within 5 s, ms. */
export const WOKEN_WITHIN_MS = 500;

/** The median time from a callback's cause to its arrival, of several one after the other, ms. */
export async function medianDelay(api: RestApi, receiver: Receiver): Promise<number> {
  const path = `/${randomUUID()}`;
  const { serviceId } = await registerCallbackApi(api, { url: receiver.url(path) });
  const delays: number[] = [];
  for (let sent = 1; sent <= 9; sent += 1) {
    await causeCallback(api, serviceId);
    const caused = performance.now();
    const requests = await receiver.waitForRequests(sent, { path });
    delays.push((requests.at(-1)?.at ?? Number.POSITIVE_INFINITY) - caused);
  }
  return delays.toSorted((one, other) => one - other)[4] ?? Number.NaN;
}
