/** Jest's environment for Node, in a worker that ends as soon as it has nothing left to do. */
import { TestEnvironment } from 'jest-environment-node';

/**
 * Node takes a heap apart when a process ends by itself. After some dozens of files, each with modules of its
 * own, that takes longer than the 500 ms that Jest gives its workers before it kills them and blames a leak;
 * `exit` leaves it to the system. `beforeExit` comes only when nothing is open: a worker that a test left a
 * socket, a timer or a child in never gets here, and Jest says so as before.
 */
if (process.send !== undefined) process.once('beforeExit', () => process.exit());

export default TestEnvironment;
