import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

declare global {
  // Jest hands nothing from setup to teardown; both run in the same process.
  var testCluster: ChildProcess | undefined;
}

/**
 * Starts one PostgreSQL for the whole run (test-cluster.ts) and passes its address to the workers.
 *
 * In a process of its own, because Jest loads this file as CommonJS and maps no `.js` import below it to its
 * `.ts`, while the migrations want real ES modules; and because a Jest that is killed then leaves nothing.
 */
export default async function globalSetup(): Promise<void> {
  const directory = import.meta.dirname;
  const cluster = fork(join(directory, 'test-cluster.ts'), [], {
    execArgv: ['--import', join(directory, 'register-typescript.mjs')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  globalThis.testCluster = cluster;
  const environment = await new Promise<unknown>((resolve, reject) => {
    cluster.once('message', resolve);
    cluster.once('error', reject);
    cluster.once('exit', (code) => reject(new Error(`The test cluster ended with code ${code}.`)));
  });
  // Workers are started afterwards and inherit it.
  Object.assign(process.env, environment);
}
