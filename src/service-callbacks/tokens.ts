/** The host's `DataSource`, default or named. */
export const CALLBACKS_DATA_SOURCE = Symbol('CALLBACKS_DATA_SOURCE');

/** `DeadLetterOptions`, complete. */
export const DEAD_LETTER_OPTIONS = Symbol('DEAD_LETTER_OPTIONS');

/** `DeliveryLogOptions`, complete. */
export const DELIVERY_LOG_OPTIONS = Symbol('DELIVERY_LOG_OPTIONS');

/** `DeliveryOptions`, complete. */
export const DELIVERY_OPTIONS = Symbol('DELIVERY_OPTIONS');

/** `EndpointHealthOptions`, complete. */
export const ENDPOINT_HEALTH_OPTIONS = Symbol('ENDPOINT_HEALTH_OPTIONS');

/** `RecordOptions`, complete. */
export const RECORD_OPTIONS = Symbol('RECORD_OPTIONS');
