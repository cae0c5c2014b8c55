/** Preloaded into a worker with the undici transport: it dies when it begins a request to the path `DIES_AT`. */
import { subscribe } from 'node:diagnostics_channel';

subscribe('undici:request:create', ({ request }) => {
  if (request.path === process.env.DIES_AT) process.kill(process.pid, 'SIGKILL');
});
