/** Preloaded into a worker: it dies when the retry queue has been given a callback that the main queue has not let go of. */
import { Queue } from 'bullmq';

const add = Reflect.get(Queue.prototype, 'add');

Queue.prototype.add = async function addAndDie(...job) {
  await Reflect.apply(add, this, job);
  process.kill(process.pid, 'SIGKILL');
};
