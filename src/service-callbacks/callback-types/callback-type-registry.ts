import type { BuiltInCallbackType } from './built-in-callback-types.js';
import { defineCallbackType, type CallbackTypeDefinition } from './callback-type.js';
import { complaint, type ComplaintInput } from './complaint.js';
import { deliveryStatus, type DeliveryStatusInput } from './delivery-status.js';
import { DuplicateCallbackTypeError } from './errors.js';
import { endpointAlert, type EndpointAlertInput } from './endpoint-alert.js';
import { inboundSms, type InboundSmsInput } from './inbound-sms.js';
import { returnedLetter, type ReturnedLetterInput } from './returned-letter.js';

/** The input of each built-in type. */
export interface BuiltInCallbackInputs extends Record<BuiltInCallbackType, unknown> {
  delivery_status: DeliveryStatusInput;
  complaint: ComplaintInput;
  inbound_sms: InboundSmsInput;
  returned_letter: ReturnedLetterInput;
  endpoint_alert: EndpointAlertInput;
}

const BUILT_IN: {
  readonly [Type in BuiltInCallbackType]: CallbackTypeDefinition<BuiltInCallbackInputs[Type]>;
} = {
  delivery_status: deliveryStatus,
  complaint,
  inbound_sms: inboundSms,
  returned_letter: returnedLetter,
  endpoint_alert: endpointAlert,
};

/** Callback types of the host, from one place in its code. */
export interface CallbackTypeSource {
  /** The place, for messages: `forFeature in OrdersModule`. */
  readonly from: string;
  readonly types: readonly CallbackTypeDefinition<never>[];
}

/** Every callback type of this process: the built-in ones and the host's own. */
export class CallbackTypeRegistry {
  private readonly definitions = new Map<string, CallbackTypeDefinition>(Object.entries(BUILT_IN));

  /**
   * @throws InvalidCallbackTypeError for a malformed or built-in name
   * @throws DuplicateCallbackTypeError for two definitions of one name
   */
  constructor(sources: readonly CallbackTypeSource[] = []) {
    const origins = new Map<string, string>();
    for (const { from, types } of sources)
      for (const each of types) {
        const definition = defineCallbackType<never>(each) as CallbackTypeDefinition;
        const known = this.definitions.get(definition.type);
        // Features may share a definition.
        if (known !== undefined && known !== definition)
          throw new DuplicateCallbackTypeError(definition.type, origins.get(definition.type) ?? '', from);
        this.definitions.set(definition.type, definition);
        origins.set(definition.type, from);
      }
  }

  get<Type extends BuiltInCallbackType>(type: Type): CallbackTypeDefinition<BuiltInCallbackInputs[Type]>;
  get(type: string): CallbackTypeDefinition | undefined;
  get(type: string): CallbackTypeDefinition | undefined {
    return this.definitions.get(type);
  }

  has(type: string): boolean {
    return this.definitions.has(type);
  }

  /** The names, built-in ones first. */
  types(): readonly string[] {
    return [...this.definitions.keys()];
  }
}
