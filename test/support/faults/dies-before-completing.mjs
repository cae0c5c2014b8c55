/** Preloaded into a worker: it dies when all that became of a job is settled, and the job is not completed yet. */
import { Job } from 'bullmq';

Job.prototype.moveToCompleted = async () => {
  process.kill(process.pid, 'SIGKILL');
};
