/** The types that this package defines, endpoint alerts included. A host may define others under other names. */
export const BUILT_IN_CALLBACK_TYPES = [
  'delivery_status',
  'complaint',
  'inbound_sms',
  'returned_letter',
  'endpoint_alert',
] as const;

export type BuiltInCallbackType = (typeof BUILT_IN_CALLBACK_TYPES)[number];

export function isBuiltInCallbackType(type: string): type is BuiltInCallbackType {
  return (BUILT_IN_CALLBACK_TYPES as readonly string[]).includes(type);
}
