import type { LogCapture } from '../../support/logs.js';
import { causeCallback } from '../../support/scenario.js';
import type { RestApi } from '../../support/service.js';

/** Callbacks of a service whose endpoint fails, each to its end. @returns their ids */
export async function givenUpCallbacks(
  api: RestApi,
  logs: LogCapture,
  serviceId: string,
  count: number,
): Promise<readonly string[]> {
  const sent = await Promise.all(Array.from({ length: count }, () => causeCallback(api, serviceId)));
  await Promise.all(sent.map(({ id }) => logs.waitForEnd(id)));
  return sent.map(({ id }) => id);
}
