import { Module, type DynamicModule } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { CallbackTypeSource } from './callback-types/callback-type-registry.js';
import type { CallbackTypeDefinition } from './callback-types/callback-type.js';

const FEATURE_TYPES = Symbol('FEATURE_TYPES');

@Module({})
class CallbackTypesFeature {}

export function callbackTypesFeature(types: readonly CallbackTypeDefinition<never>[]): DynamicModule {
  return { module: CallbackTypesFeature, providers: [{ provide: FEATURE_TYPES, useValue: types }] };
}

/**
 * The callback types of all features of the application. Nest creates every module before the first provider, so the
 * order of imports does not matter.
 */
export function featureTypes(container: ModulesContainer): readonly CallbackTypeSource[] {
  const modules = [...container.values()];
  return modules
    .filter(({ metatype }) => metatype === CallbackTypesFeature)
    .map((feature) => {
      const importers = modules.filter(({ imports }) => imports.has(feature)).map(({ name }) => name);
      const types = feature.providers.get(FEATURE_TYPES)?.instance as CallbackTypeSource['types'];
      return { from: `forFeature in ${importers.join(' and ')}`, types };
    });
}
