import type { Setting, Settings, ValueOf } from './setting.js';
import { ground, keys, queueBackend, queues, sections, service } from './settings.js';

type In<Group> = Group[keyof Group];
type Sections = typeof sections;
type AnySetting =
  | In<typeof ground>
  | In<typeof service>
  | In<typeof queueBackend>
  | In<(typeof queues)['postgres']>
  | In<(typeof queues)['redis']>
  | In<typeof keys>
  | { [Name in keyof Sections]: In<Sections[Name]> }[keyof Sections];
type VariableOf<S> = S extends Setting<unknown, infer Variable> ? Variable : never;

export type VariableName = VariableOf<AnySetting>;

/** The validated environment: complete, typed and frozen. */
export type Env = { readonly [S in AnySetting as VariableOf<S>]: ValueOf<S> };

/** A setting with its place: in code at `path`, if there is one. */
interface PlacedSetting {
  readonly setting: Setting<unknown>;
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
    path: prefix === undefined ? undefined : `${prefix}${name}`,
  }));
}

/** Settings by their variable. */
export const variables = new Map(
  placedSettings.flatMap((each) =>
    each.setting.variable === undefined ? [] : [[each.setting.variable as VariableName, each]],
  ),
);
