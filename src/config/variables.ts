import type { Setting, Settings, ValueOf, Values } from './setting.js';
import { ground, keys, queueBackend, queues, sections, service } from './settings.js';

type In<Group> = Group[keyof Group];
type Sections = typeof sections;
/** Settings that are named after their variable. */
type Ground = typeof ground & typeof service;
type Option =
  | In<typeof queueBackend>
  | In<(typeof queues)['postgres']>
  | In<(typeof queues)['redis']>
  | In<typeof keys>
  | { [Name in keyof Sections]: In<Sections[Name]> }[keyof Sections];
type VariableOf<S> = S extends Setting<unknown, infer Variable> ? Variable : never;

export type VariableName = keyof Ground | VariableOf<Option>;

/** The validated environment: complete, typed and frozen. */
export type Env = Values<Ground> & { readonly [S in Option as VariableOf<S>]: ValueOf<S> };

/** A setting with its place: in code at `path`, if there is one. */
interface PlacedSetting {
  readonly setting: Setting<unknown>;
  readonly variable: string | undefined;
  readonly path: string | undefined;
}

/** Every setting, in the order of the documentation. */
const placedSettings: readonly PlacedSetting[] = [
  ...placed(ground),
  ...placed(service),
  ...placed(queueBackend, 'queue.'),
  ...placed(queues.postgres, 'queue.'),
  ...placed(queues.redis, 'queue.'),
  ...placed(keys, ''),
  ...Object.entries(sections).flatMap(([name, settings]) => placed(settings, `${name}.`)),
];

function placed(settings: Settings, prefix?: string): PlacedSetting[] {
  return Object.entries(settings).map(([name, setting]) => ({
    setting,
    variable: prefix === undefined ? name : setting.variable,
    path: prefix === undefined ? undefined : `${prefix}${name}`,
  }));
}

/** Settings by their variable. */
export const variables = new Map(
  placedSettings.flatMap((each) =>
    each.variable === undefined ? [] : [[each.variable as VariableName, each]],
  ),
);
