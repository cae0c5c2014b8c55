import type { EntityManager } from 'typeorm';
import type { CallbackApiRepository, CallbackTarget } from '../callback-apis/callback-api.repository.js';

/** Where services want callbacks of one type, asked once a service. */
export class TargetLookup {
  private readonly known = new Map<string, CallbackTarget | null>();

  constructor(
    private readonly callbackApis: CallbackApiRepository,
    private readonly type: string,
    private readonly manager?: EntityManager,
  ) {}

  async find(serviceId: string): Promise<CallbackTarget | null> {
    const known = this.known.get(serviceId);
    if (known !== undefined) return known;
    const target = await this.callbackApis.findTarget(serviceId, this.type, this.manager);
    this.known.set(serviceId, target);
    return target;
  }
}
