import type { BuiltInCallbackType } from './built-in-callback-types.js';
import { defineCallbackType, type CallbackTypeDefinition } from './callback-type.js';
import { complaint, type ComplaintInput } from './complaint.js';
import { deliveryStatus, type DeliveryStatusInput } from './delivery-status.js';
import { DuplicateCallbackTypeError } from './errors.js';
import { endpointAlert, type EndpointAlertInput } from './endpoint-alert.js';
import { inboundSms, type InboundSmsInput } from './inbound-sms.js';
import { returnedLetter, type ReturnedLetterInput } from './returned-letter.js';

/** What each built-in type is about. */
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

/** Every callback type of a process: the built-in ones and the host's own (R5). */
export class CallbackTypeRegistry {
  private readonly definitions = new Map<string, CallbackTypeDefinition>(Object.entries(BUILT_IN));

  /**
   * @param custom the host's own types, whatever their inputs
   * @throws InvalidCallbackTypeError for a malformed or built-in name
   * @throws DuplicateCallbackTypeError for a name given twice
   */
  constructor(custom: readonly CallbackTypeDefinition<never>[] = []) {
    for (const definition of custom) {
      if (this.has(definition.type)) throw new DuplicateCallbackTypeError(definition.type);
      this.definitions.set(definition.type, defineCallbackType<never>(definition));
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
