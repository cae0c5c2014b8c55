/** Every `Registry` whose metrics this process serves; the application composes the list. */
export const METRIC_REGISTRIES = Symbol('METRIC_REGISTRIES');
