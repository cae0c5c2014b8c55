/**
 * A process that owns an embedded PostgreSQL, for tests that end it in ways a test cannot end itself:
 * `embedded-postgres-owner.ts <data directory> <stay | leave | exit>`. Sends the database's URL.
 */
import { startEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.js';

const [dataDir = '', then] = process.argv.slice(2);
process.on('SIGINT', () => undefined);

// The channel to the parent keeps this process alive. Without it only the database could, and it must not.
const parentIsGone = new Promise<void>((resolve) => {
  if (then === 'stay') process.once('disconnect', resolve);
});

const postgres = await startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' } });
process.send?.({ url: postgres.url }, () => {
  if (then === 'exit') process.exit(3);
});
if (then === 'stay') {
  await parentIsGone;
  await postgres.stop();
}
