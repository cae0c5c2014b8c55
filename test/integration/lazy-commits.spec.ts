import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/queues/queue-names.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { nothingStands, queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const FAILURES = 3;

/** Notes, as each transaction that changes a job commits, whether it waits for the disk. */
const WATCH = `
  CREATE TABLE public.seen (queue text, state text, forced boolean);
  CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO public.seen VALUES
      (coalesce(NEW.queue, OLD.queue), coalesce(NEW.state::text, 'gone'), current_setting('synchronous_commit') = 'on');
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON bullmq.job
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.see();`;

describe('a commit of the PostgreSQL queue', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    // The server of the tests waits for no disk.
    await query(
      database.url,
      `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET synchronous_commit = on`,
    );
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      CALLBACK_CIRCUIT_FAILURES: `${FAILURES}`,
      CALLBACK_CIRCUIT_OPEN_MS: '60000',
    });
    await query(database.url, WATCH);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  async function endpoint(path: string, answers: readonly number[]): Promise<RegisteredCallbackApi> {
    receiver.respond(path, answers);
    return registerCallbackApi(service, { url: receiver.url(path) });
  }

  /** What became of jobs since the last look, and whether its commit waited for the disk. */
  async function commits(): Promise<readonly string[]> {
    const rows = await query<{ seen: string }>(
      database.url,
      `WITH taken AS (DELETE FROM public.seen RETURNING queue, state, forced)
       SELECT DISTINCT concat_ws(' ', queue, state, CASE WHEN forced THEN 'on disk' ELSE 'soon' END) AS seen
       FROM taken WHERE state IN ('waiting', 'active', 'delayed', 'gone') ORDER BY seen`,
    );
    return rows.map(({ seen }) => seen);
  }

  it.each([
    ['delivered', 200],
    ['not_retried', 404],
  ])('waits for the disk where a callback is accepted and where it is over: %s', async (event, answer) => {
    const { serviceId } = await endpoint(`/${answer}`, [answer]);
    await causeCallback(service, serviceId);
    await service.logs.waitFor(`callback.${event}`, { service_id: serviceId });
    await nothingStands(service);
    expect(await commits()).toEqual([
      `${MAIN_QUEUE} active soon`,
      `${MAIN_QUEUE} gone on disk`,
      `${MAIN_QUEUE} waiting on disk`,
    ]);
  });

  it('does not where it is to be tried again', async () => {
    const { serviceId } = await endpoint('/in-the-end', [503, 503, 200]);
    await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { service_id: serviceId });
    await nothingStands(service);
    const seen = await commits();
    const soon = [`${MAIN_QUEUE} gone soon`, `${RETRY_QUEUE} delayed soon`];
    expect(seen).toEqual(expect.arrayContaining([...soon, `${RETRY_QUEUE} gone on disk`]));
    expect(seen).not.toContain(`${RETRY_QUEUE} delayed on disk`);
  });

  it('does not where it is put off', async () => {
    const { serviceId } = await endpoint('/dead', [503]);
    for (let failure = 0; failure < FAILURES; failure += 1) await causeCallback(service, serviceId);
    const putOff = { service_id: serviceId };
    await service.logs.waitFor('callback.deferred', putOff, { count: FAILURES });
    expect(await commits()).toContain(`${RETRY_QUEUE} delayed soon`);
    await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.deferred', { ...putOff, attempt: 1 });
    await eventually(async () => expect(await queueOf(service, MAIN_QUEUE).getActiveCount()).toBe(0));
    expect(await commits()).toEqual([
      `${MAIN_QUEUE} active soon`,
      `${MAIN_QUEUE} gone soon`,
      `${MAIN_QUEUE} waiting on disk`,
      `${RETRY_QUEUE} delayed soon`,
    ]);
  });
});
