import type { DynamicModule, ForwardReference, Type } from '@nestjs/common';
import { ServiceCallbacksModule } from '../service-callbacks/service-callbacks.module.js';

type Imported = Type | DynamicModule | Promise<DynamicModule> | ForwardReference | undefined;

/**
 * The result of `ServiceCallbacksModule.forRoot` or `forRootAsync` among the imports of an application.
 * `overrideModule` needs it as its argument, because it compares by identity.
 * @param application the root module that the test imports
 * @throws Error if it is not among the imports
 */
export function callbacksModuleIn(application: Type | DynamicModule): DynamicModule {
  const found = search(application, new Set());
  if (found) return found;
  const name = typeof application === 'function' ? application.name : application.module.name;
  throw new Error(`${name} and the modules that it imports do not import ServiceCallbacksModule.forRoot(…)`);
}

function search(imported: Imported, seen: Set<Imported>): DynamicModule | undefined {
  const module = imported && 'forwardRef' in imported ? forwarded(imported) : imported;
  // Nest resolves a promise by itself, and its result cannot be overridden.
  if (module === undefined || module instanceof Promise || seen.has(module)) return undefined;
  seen.add(module);
  const dynamic = 'module' in module ? module : undefined;
  if (dynamic?.module === ServiceCallbacksModule) return dynamic;
  for (const next of importsOf(dynamic?.module ?? (module as Type), dynamic)) {
    const found = search(next, seen);
    if (found) return found;
  }
  return undefined;
}

function forwarded({ forwardRef }: ForwardReference): Imported {
  return (forwardRef as () => Imported)();
}

function importsOf(type: Type, dynamic: DynamicModule | undefined): readonly Imported[] {
  const declared = Reflect.getMetadata('imports', type) as readonly Imported[] | undefined;
  return [...(declared ?? []), ...((dynamic?.imports ?? []) as readonly Imported[])];
}
