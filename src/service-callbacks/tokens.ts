/** The host's `DataSource`, default or named. */
export const CALLBACKS_DATA_SOURCE = Symbol('CALLBACKS_DATA_SOURCE');

/** Complete `DeadLetterOptions`. */
export const DEAD_LETTER_OPTIONS = Symbol('DEAD_LETTER_OPTIONS');

/** Complete `DeliveryLogOptions`. */
export const DELIVERY_LOG_OPTIONS = Symbol('DELIVERY_LOG_OPTIONS');

/** Complete `DeliveryOptions`. */
export const DELIVERY_OPTIONS = Symbol('DELIVERY_OPTIONS');

/** Complete `EndpointHealthOptions`. */
export const ENDPOINT_HEALTH_OPTIONS = Symbol('ENDPOINT_HEALTH_OPTIONS');

/** Complete `RecordOptions`. */
export const RECORD_OPTIONS = Symbol('RECORD_OPTIONS');
