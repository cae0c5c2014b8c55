import { NotFoundException } from '@nestjs/common';
import { CallbackApiNotFoundError } from '../../service-callbacks/endpoints/errors.js';
import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import type { CallbackApisService } from '../../service-callbacks/endpoints/callback-apis.service.js';
import { isId } from '../is-id.js';

/**
 * A text that is not an id finds no endpoint.
 * @throws NotFoundException
 */
export async function findEndpoint(
  callbackApis: CallbackApisService,
  serviceId: string,
  id: string,
): Promise<CallbackApi> {
  if (!isId(serviceId) || !isId(id)) throw new NotFoundException();
  try {
    return await callbackApis.get(serviceId, id);
  } catch (error) {
    if (error instanceof CallbackApiNotFoundError) throw new NotFoundException();
    throw error;
  }
}
