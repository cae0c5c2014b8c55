/**
 * The whole path on real parts: the built service on an embedded PostgreSQL, a receiver in a process of its
 * own, and the REST API between them. Exits 0 only if every callback arrived as it should. With `--keep`
 * everything stays up until Ctrl-C; `--week` fills the console with a made-up week beforehand.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { deadline } from './demo/deadline.js';
import type { Result } from './demo/evidence.js';
import { startReceiver, type ReceiverProcess } from './demo/receiver-process.js';
import { runScenario } from './demo/run-scenario.js';
import { DELIVERY, scenarios } from './demo/scenarios.js';
import { seedWeekIn } from './demo/seed-week.js';
import { startService, type ServiceProcess } from './demo/service-process.js';
import { InterruptedError, stopSignal, toldToStop } from './demo/stop-signal.js';
import { summaryTable } from './demo/summary.js';
import { bad, good, heading, say } from './demo/terminal.js';
import { problemsOf, problemsOfLog } from './demo/check-results.js';
import { TEAM } from './demo/week.js';

/** Longer than any demo needs, ms; a demo that hangs ends after it. */
const TIME_LIMIT_MS = 90_000;

interface Wishes {
  /** Stay up until Ctrl-C. */
  readonly keep: boolean;
  /** Fill the console with a made-up week. */
  readonly week: boolean;
}

/** @returns what did not go as expected */
async function run({ keep, week }: Wishes, interrupted: AbortSignal): Promise<readonly string[]> {
  const stop = AbortSignal.any([interrupted, deadline(TIME_LIMIT_MS, 'The demo was not over')]);
  const dataDir = await mkdtemp(join(tmpdir(), 'service-callbacks-demo-'));
  // If root starts the demo, PostgreSQL runs as another user, who must be able to enter this directory.
  await chmod(dataDir, 0o711);
  let receiver: ReceiverProcess | undefined;
  let service: ServiceProcess | undefined;
  try {
    say('Starting a receiver and the service, on a PostgreSQL of its own …');
    receiver = await startReceiver(stop);
    if (week) {
      say('Making up a week of callbacks …');
      await seedWeekIn(dataDir, receiver.url);
    }
    service = await startService(dataDir, stop);
    say(`The service listens on ${service.url}, the receiver on ${receiver.url}.`);
    say(`An attempt may take ${DELIVERY.timeoutMs} ms, and there are ${DELIVERY.maxRetries} retries.`);

    const problems = await runAll(service, receiver, stop);
    if (keep) await keepRunning(service, receiver, problems, week, interrupted);
    const { clean, words } = await service.stop();
    return clean ? problems : [...problems, `the service ${words} on SIGTERM`];
  } finally {
    await service?.stop();
    await receiver?.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function runAll(
  service: ServiceProcess,
  receiver: ReceiverProcess,
  stop: AbortSignal,
): Promise<readonly string[]> {
  const results: Result[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    heading(`${index + 1}. ${scenario.title}`);
    results.push(await runScenario(scenario, service, receiver, stop));
  }
  heading('What became of each callback');
  say(summaryTable(results));
  return [...results.flatMap(problemsOf), ...problemsOfLog(service.log.items, results)];
}

async function keepRunning(
  service: ServiceProcess,
  receiver: ReceiverProcess,
  problems: readonly string[],
  week: boolean,
  interrupted: AbortSignal,
): Promise<void> {
  conclude(problems);
  heading('Everything stays up until Ctrl-C');
  say(`  console   ${service.url}/console (leave the token empty to see everything)`);
  if (week) say(`            ${TEAM.token} is the token of one service's team`);
  say(`  API       ${service.url}`);
  say(`  docs      ${service.url}/docs`);
  say(`  metrics   ${service.url}/metrics`);
  say(`  receiver  ${receiver.url} (any other path responds with 200)`);
  await toldToStop(interrupted);
}

function conclude(problems: readonly string[]): void {
  if (problems.length === 0) good('\nEverything arrived as it should.');
  else bad(['\nThis did not go as it should:', ...problems].join('\n- '));
}

const { values } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, week: { type: 'boolean', default: false } },
});
const interrupted = stopSignal();
try {
  const problems = await run(values, interrupted);
  if (!values.keep) conclude(problems);
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  bad(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof InterruptedError ? 130 : 1;
}
