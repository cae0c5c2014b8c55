/** The message is not delivered yet: no callback. */
export const NOT_NEWS_STATUSES = ['created', 'sending', 'pending'] as const;

/** Handed over to a carrier without delivery receipts: a callback. A later final status sends another. */
const HANDED_OVER_STATUS = 'sent';

/** Final statuses: no other status follows. */
export const FINAL_STATUSES = [
  'delivered',
  'permanent-failure',
  'temporary-failure',
  'technical-failure',
] as const;

export const NOTIFICATION_STATUSES = [...NOT_NEWS_STATUSES, HANDED_OVER_STATUS, ...FINAL_STATUSES] as const;

export type NotNewsStatus = (typeof NOT_NEWS_STATUSES)[number];
export type FinalStatus = (typeof FINAL_STATUSES)[number];
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

export function isNotNewsStatus(status: NotificationStatus): status is NotNewsStatus {
  return (NOT_NEWS_STATUSES as readonly NotificationStatus[]).includes(status);
}

export function isFinalStatus(status: NotificationStatus): status is FinalStatus {
  return (FINAL_STATUSES as readonly NotificationStatus[]).includes(status);
}
