import { z } from 'zod';
import { idText } from '../../http/ids.js';
import { requestBody } from '../../http/request-body.js';

const updatedById = { updated_by_id: idText('updated_by_id').optional() };

/** May be left out as a whole. */
export const disableBody = requestBody(updatedById).optional();
export type DisableBody = z.infer<typeof disableBody>;

/** May be left out as a whole: nothing is replayed then. */
export const enableBody = requestBody({
  ...updatedById,
  replay: z.boolean({ error: 'replay is not true or false' }).optional(),
}).optional();
export type EnableBody = z.infer<typeof enableBody>;
