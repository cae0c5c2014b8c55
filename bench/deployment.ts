import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Pool } from 'undici';
import { environmentOf } from './environment.js';
import type { Lab } from './lab.js';
import type { BackendName } from './options.js';
import { WorkerProcess } from './worker-process.js';

/** The built files of this release. */
export const THIS_RELEASE = new URL('..', import.meta.url).pathname;

/** The built files of the release in a worktree. */
export function releaseIn(worktree: string): string {
  return join(worktree, 'dist');
}

/** An API and a worker process of any release, used through its REST API only. */
export class Deployment {
  private constructor(
    private readonly api: WorkerProcess,
    private readonly worker: WorkerProcess,
    private readonly client: Pool,
  ) {}

  static async start(release: string, backend: BackendName, lab: Lab): Promise<Deployment> {
    const stores = await lab.fresh();
    const run = (role: string): Promise<WorkerProcess> =>
      WorkerProcess.run(
        join(release, 'src/main.js'),
        environmentOf(backend, stores, {
          PROCESS_ROLE: role,
          MIGRATE_ON_START: 'true',
          API_RATE_LIMIT: '0',
          CALLBACK_TRANSPORT: 'undici',
        }),
      );
    const api = await run('api');
    const worker = await run('worker');
    return new Deployment(api, worker, new Pool(api.url, { connections: 64, pipelining: 1 }));
  }

  /**
   * Creates a service whose callbacks go there.
   * @returns the id of the service
   */
  async register(url: string): Promise<string> {
    const serviceId = randomUUID();
    await this.post(`/service/${serviceId}/callback-api`, {
      callback_type: 'delivery_status',
      url,
      bearer_token: 'a-bearer-token-of-the-bench',
      updated_by_id: randomUUID(),
    });
    return serviceId;
  }

  /**
   * Creates a notification that waits for its receipt.
   * @returns its id
   */
  async notify(serviceId: string): Promise<string> {
    const created = await this.post<{ data: { id: string } }>(`/service/${serviceId}/notifications`, {
      notification_type: 'email',
      to: 'x'.repeat(250),
      template_id: randomUUID(),
      template_version: 1,
      status: 'sending',
    });
    return created.data.id;
  }

  /** Causes a callback, which has committed when this resolves. */
  async receipt(notificationId: string): Promise<void> {
    await this.post(`/notifications/${notificationId}/receipts`, { status: 'delivered' });
  }

  async stop(): Promise<void> {
    await this.client.destroy();
    await this.worker.kill();
    await this.api.kill();
  }

  private async post<T>(path: string, body: unknown): Promise<T> {
    const response = await this.client.request({
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`${path} responded with ${response.statusCode}: ${text}`);
    return JSON.parse(text) as T;
  }
}
