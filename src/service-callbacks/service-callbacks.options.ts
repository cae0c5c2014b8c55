import { ConfigurableModuleBuilder, type ModuleMetadata, type Type } from '@nestjs/common';
import { anyText, flag, inCode } from '../config/accepted-values.js';
import { optional, setting, type Values } from '../config/setting.js';
import type { keys, queues, sections } from '../config/settings.js';
import { isCallbackType, type CallbackTypeDefinition } from './callback-types/callback-type.js';
import type { NotificationSource } from './legacy-jobs/notification-source.js';

/** Fields that a section may leave out have defaults. */
type Given<Settings> = Partial<Values<Settings>>;

/** Where the queues live. */
export type QueueOptions =
  | (Given<typeof queues.postgres> & { readonly backend: 'postgres' })
  | (Given<typeof queues.redis> & { readonly backend: 'redis' });

export type DeliveryOptions = Values<typeof sections.delivery>;
export type AddressOptions = Values<typeof sections.addresses>;
export type EgressOptions = Values<typeof sections.egress>;
export type RecordOptions = Values<typeof sections.record>;
export type DeadLetterOptions = Values<typeof sections.deadLetters>;
export type DeliveryLogOptions = Values<typeof sections.deliveryLog>;
export type EndpointHealthOptions = Values<typeof sections.endpointHealth>;

/** Where operators are informed of endpoints that are warned, disabled or enabled, or have recovered. */
export type AlertOptions = Given<typeof sections.alerts> & { readonly url: string };

/** Options that only code can give. */
export const codeSettings = {
  /**
   * Callback types of the host's own; feature modules bring theirs with `forFeature`. Default none; a list of
   * callback types, each made with `defineCallbackType`.
   */
  callbackTypes: setting({
    accepts: inCode<readonly CallbackTypeDefinition<never>[]>(
      'a list of callback types, each made with `defineCallbackType`',
      (value) => Array.isArray(value) && value.every(isCallbackType),
    ),
    default: [],
  }),
};

/** The argument of `ServiceCallbacksModule.forRoot`; `optionsFromEnv` makes it from the environment. */
export interface ServiceCallbacksOptions extends Values<typeof keys>, Given<typeof codeSettings> {
  readonly queue: QueueOptions;
  readonly delivery?: Partial<DeliveryOptions>;
  /** Which callback URLs are accepted. */
  readonly addresses?: Partial<AddressOptions>;
  /** How requests leave this process. */
  readonly egress?: Partial<EgressOptions>;
  readonly deadLetters?: Partial<DeadLetterOptions>;
  readonly deliveryLog?: Partial<DeliveryLogOptions>;
  readonly record?: Partial<RecordOptions>;
  readonly endpointHealth?: Partial<EndpointHealthOptions>;
  /** Default: changes of endpoints go only to the log, the metrics and the host's handlers. */
  readonly alerts?: AlertOptions;
}

/** What must be known before the options are read. */
export const extraSettings = {
  /** Export the module's providers to the whole application. Default `false`; `true`, `false`. */
  isGlobal: setting({ accepts: flag(), default: false }),
  /** Run the two processors in this process. Default `true`; `true`, `false`. */
  processors: setting({ accepts: flag(), default: true }),
  /** Mount the REST controllers; the host's own guards protect them. Default `false`; `true`, `false`. */
  controllers: setting({ accepts: flag(), default: false }),
  /**
   * Name of the host's `DataSource`, where it is not the default one. Default none; the name of a `DataSource`.
   */
  dataSource: optional({ accepts: anyText('the name of a `DataSource`') }),
  /**
   * A provider of one of `imports`, through which jobs of an old shape are completed. Default none; a class.
   */
  notificationSource: optional({
    accepts: inCode<Type<NotificationSource>>('a class', (value) => typeof value === 'function'),
  }),
  /** Modules that export what `notificationSource` or `inject` names. Default none; a list of modules. */
  imports: optional({
    accepts: inCode<NonNullable<ModuleMetadata['imports']>>('a list of modules', Array.isArray),
  }),
};

/** Which parts of the module exist; `forRootAsync` takes it beside `useFactory`. */
export type ServiceCallbacksExtras = Given<typeof extraSettings>;

/** Checked options, with all defaults. */
export interface CompleteOptions extends Values<typeof keys>, Values<typeof codeSettings> {
  readonly queue:
    | (Values<typeof queues.postgres> & { readonly backend: 'postgres' })
    | (Values<typeof queues.redis> & { readonly backend: 'redis' });
  readonly delivery: DeliveryOptions;
  readonly addresses: AddressOptions;
  readonly egress: EgressOptions;
  readonly deadLetters: DeadLetterOptions;
  readonly deliveryLog: DeliveryLogOptions;
  readonly record: RecordOptions;
  readonly endpointHealth: EndpointHealthOptions;
  readonly alerts: AlertOptions | undefined;
}

/** The `CompleteOptions`. */
export const SERVICE_CALLBACKS_OPTIONS = Symbol('SERVICE_CALLBACKS_OPTIONS');

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: GIVEN_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<ServiceCallbacksOptions>({ moduleName: 'ServiceCallbacks' })
  .setClassMethodName('forRoot')
  .setExtras<ServiceCallbacksExtras>(
    // Nest removes the fields with these names from the options.
    Object.fromEntries(Object.keys(extraSettings).map((name) => [name, undefined])),
    (definition) => definition,
  )
  .build();
