/** The host's `DataSource`, default or named. */
export const CALLBACKS_DATA_SOURCE = Symbol('CALLBACKS_DATA_SOURCE');

/** `DeadLetterOptions`, complete. */
export const DEAD_LETTER_OPTIONS = Symbol('DEAD_LETTER_OPTIONS');

/** `DeliveryOptions`, complete. */
export const DELIVERY_OPTIONS = Symbol('DELIVERY_OPTIONS');
