import type { EntityManager } from 'typeorm';
import { TransactionRequiredError } from './errors.js';
import { ReceivedCallbackEntity } from './received-callback.entity.js';

/**
 * Marks a callback as received, in the transaction that writes its effects: they are committed once, however often it
 * is delivered. Of two deliveries at the same time one waits here until the other's transaction is over.
 *
 * @param manager of the handler's transaction
 * @param id `webhook-id`
 * @returns whether this is the first delivery; false: the effects are committed already, and 2xx is the response
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
 * Forgets callbacks that were received before a time. Keep them for as long as the sender may replay: 30 days by its
 * defaults.
 *
 * @returns how many
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
