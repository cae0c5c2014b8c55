import type { OpenAPIObject } from '@nestjs/swagger';
import type { z } from 'zod';

export type JsonSchema = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

export interface ConvertedSchema {
  readonly schema: JsonSchema;
  /** Schemas of `#/components/schemas`, by name. */
  readonly components?: Readonly<Record<string, JsonSchema>>;
}

export type SchemaConverter = (
  schema: unknown,
  options: { readonly schemaType: 'input' | 'output' },
) => ConvertedSchema;

type Override = NonNullable<z.core.ToJSONSchemaParams['override']>;

/**
 * Turns zod's schemas into those of OpenAPI 3.1. A schema with a title becomes a component of that name. A body with
 * `x-optional` may be left out.
 */
export function schemaConverter(callbackTypes: readonly string[]): SchemaConverter {
  const override: Override = ({ zodSchema, jsonSchema, path }) => {
    // `format` says the same as this pattern.
    if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (path.length === 0 && zodSchema._zod.def.type === 'optional') jsonSchema['x-optional'] = true;
    if (path.at(-1) === 'callback_type' && jsonSchema.type === 'string') {
      jsonSchema.enum = [...callbackTypes];
      delete jsonSchema.description;
    }
  };
  return (schema, { schemaType }) => {
    const { jsonSchema } = (schema as z.ZodType)['~standard'];
    const libraryOptions = { override, unrepresentable: 'any' };
    const { $schema: _, ...json } = jsonSchema[schemaType]({ target: 'draft-2020-12', libraryOptions });
    const converted = json as JsonSchema;
    if (!('title' in converted) || converted.title === undefined) return { schema: converted };
    const { title } = converted;
    return { schema: { $ref: `#/components/schemas/${title}` }, components: { [title]: converted } };
  };
}
