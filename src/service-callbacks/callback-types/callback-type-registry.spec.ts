import { describe, expect, it } from '@jest/globals';
import { aNotification } from '../../../test/support/builders/a-notification.js';
import { BUILT_IN_CALLBACK_TYPES } from './built-in-callback-types.js';
import { CallbackTypeRegistry } from './callback-type-registry.js';
import { defineCallbackType, type CallbackTypeDefinition } from './callback-type.js';
import { InvalidCallbackTypeError } from './errors.js';

interface Payment {
  readonly id: string;
  readonly serviceId: string;
  readonly pence: number;
}

const ofType = (type: string): CallbackTypeDefinition<Payment> => ({
  type,
  identify: ({ serviceId, id }) => ({ serviceId, subjectId: id }),
  payload: ({ id, pence }) => ({ id, pence }),
  requiredFields: ['pence'],
});

const registryOf = (...types: readonly CallbackTypeDefinition<never>[]) =>
  new CallbackTypeRegistry([{ from: 'forRoot', types }]);

describe('defineCallbackType', () => {
  it.each(['a', 'payment_taken', 'v2_event', 'x'.repeat(63)])('accepts the name %s', (type) => {
    expect(defineCallbackType(ofType(type)).type).toBe(type);
  });

  it.each(['', 'Payment', '2nd', '_payment', 'payment-taken', 'payment taken', 'payment\n', 'x'.repeat(64)])(
    'refuses the name %j',
    (type) => {
      expect(() => defineCallbackType(ofType(type))).toThrow(InvalidCallbackTypeError);
      expect(() => defineCallbackType(ofType(type))).toThrow(`callback type "${type}" does not match`);
    },
  );

  it.each([...BUILT_IN_CALLBACK_TYPES])('refuses the built-in name %s', (type) => {
    expect(() => defineCallbackType(ofType(type))).toThrow(`callback type "${type}" is built in`);
  });

  it('freezes the definition', () => {
    const definition = defineCallbackType(ofType('payment_taken'));
    expect(Object.isFrozen(definition)).toBe(true);
    expect(Object.isFrozen(definition.requiredFields)).toBe(true);
  });
});

describe('CallbackTypeRegistry', () => {
  it('has the built-in types, each under its own name and frozen', () => {
    const registry = new CallbackTypeRegistry();
    expect(registry.types()).toEqual(BUILT_IN_CALLBACK_TYPES);
    for (const type of BUILT_IN_CALLBACK_TYPES) {
      expect(registry.get(type).type).toBe(type);
      expect(Object.isFrozen(registry.get(type))).toBe(true);
    }
  });

  it('knows the subject of a built-in type', () => {
    const notification = aNotification();
    const identity = new CallbackTypeRegistry().get('delivery_status').identify(notification);
    expect(identity.subjectId).toBe(notification.id);
  });

  it('knows which types are about a notification', () => {
    const registry = new CallbackTypeRegistry();
    const isAboutOne = (type: string) => registry.get(type)?.subjectIsNotification === true;
    expect(registry.types().filter(isAboutOne)).toEqual(['delivery_status', 'complaint', 'returned_letter']);
  });

  it("adds the host's own types", () => {
    const payment = defineCallbackType(ofType('payment_taken'));
    const registry = registryOf(payment, ofType('payment_refunded'));
    expect(registry.types()).toEqual([...BUILT_IN_CALLBACK_TYPES, 'payment_taken', 'payment_refunded']);
    expect(registry.has('payment_taken')).toBe(true);
    expect(registry.get('payment_taken')).toBe(payment);
    expect(registry.get('payment_taken')?.payload({ id: 'p', pence: 5 })).toEqual({ id: 'p', pence: 5 });
  });

  it.each(['nobody', 'toString', '__proto__', ''])('has no type %j', (type) => {
    const registry = new CallbackTypeRegistry();
    expect(registry.has(type)).toBe(false);
    expect(registry.get(type)).toBeUndefined();
  });

  it('refuses a second definition of a name, and says where both are', () => {
    const sources = [
      { from: 'forRoot', types: [ofType('payment_taken')] },
      { from: 'forFeature in PaymentsModule', types: [ofType('payment_taken')] },
    ];
    expect(() => new CallbackTypeRegistry(sources)).toThrow(
      'callback type "payment_taken" is defined twice, by forRoot and by forFeature in PaymentsModule',
    );
  });

  it('accepts the same definition from two places', () => {
    const payment = defineCallbackType(ofType('payment_taken'));
    expect(registryOf(payment, payment).get('payment_taken')).toBe(payment);
  });

  it('refuses a built-in name that was not defined through defineCallbackType', () => {
    expect(() => registryOf(ofType('complaint'))).toThrow('callback type "complaint" is built in');
  });

  it('refuses a malformed name that was not defined through defineCallbackType', () => {
    expect(() => registryOf(ofType('Payment'))).toThrow(InvalidCallbackTypeError);
  });
});
