/** Preloaded into a process: it dies when callbacks are marked as queued, and their job is not added yet. */
import { Queue } from 'bullmq';

Queue.prototype.add = async () => {
  process.kill(process.pid, 'SIGKILL');
};
