import { loadEnv } from './config/env.js';
import { stacksOf } from './observability/describe-error.js';
import { startService, type RunningService } from './service.js';
import { explainStart } from './start-errors.js';

/** A second signal ends the process at once. */
function stopOnSignal(service: RunningService): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    service.stop(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`Could not stop cleanly on ${signal}: ${stacksOf(error)}`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

try {
  stopOnSignal(await startService(loadEnv(process.env, { isTerminal: process.stdout.isTTY })));
} catch (error) {
  console.error(explainStart(error));
  process.exit(1);
}
