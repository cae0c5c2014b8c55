import type { EntityManager } from 'typeorm';
import { TransactionRequiredError } from './errors.js';
import { ReceivedCallbackEntity } from './received-callback.entity.js';

/**
 * Marks a callback as received, in the transaction that writes its effects: these commit once, however often the
 * callback is delivered. The second of two concurrent deliveries waits here until the transaction of the first ends.
 *
 * @param manager of the handler's transaction
 * @param id `webhook-id`
 * @returns whether this is the first delivery. False: the effects are committed already; respond with a 2xx.
 * @throws TransactionRequiredError
 */
export async function markReceived(manager: EntityManager, id: string): Promise<boolean> {
  if (manager.queryRunner?.isTransactionActive !== true) throw new TransactionRequiredError();
  const inserted = await manager
    .createQueryBuilder()
    .insert()
    .into(ReceivedCallbackEntity)
    .values({ id })
    .orIgnore()
    .returning('id')
    .execute();
  return (inserted.raw as readonly unknown[]).length > 0;
}

/**
 * Deletes the marks of callbacks that were received before a time. Keep them for as long as the sender may replay: 30
 * days by its defaults.
 * @returns how many were deleted
 */
export async function forgetReceived(manager: EntityManager, before: Date): Promise<number> {
  const { affected } = await manager
    .createQueryBuilder()
    .delete()
    .from(ReceivedCallbackEntity)
    .where('received_at < :before', { before })
    .execute();
  return affected ?? 0;
}
