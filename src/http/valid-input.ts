import * as nest from '@nestjs/common';
import type { ZodType } from 'zod';

/** The body, checked against a schema. An invalid body is a 400 with one message for each problem. */
export const ValidBody = (schema: ZodType) => checked(nest.Body, schema, new SchemaPipe(schema));

/** A checked body with its problems, for a handler that may find more of them. */
export interface CheckedBody<T> {
  /** The unchecked body. */
  readonly input: unknown;
  /** The parsed body; absent if there are problems. */
  readonly value?: T;
  readonly problems: readonly string[];
}

/** The body as a {@link CheckedBody}: the handler rejects it. */
export const BodyToCheck = (schema: ZodType) => checked(nest.Body, schema, new CheckingPipe(schema));

/** The whole query, checked like {@link ValidBody}. */
export const ValidQuery = (schema: ZodType) => checked(nest.Query, schema, new SchemaPipe(schema));

/** One parameter of the path. An invalid one is a 404, as in GOV.UK Notify's API. */
export const ValidParam = (name: string, schema: ZodType): ParameterDecorator => {
  const pipe = new SchemaPipe(schema);
  return HAS_SCHEMA_OPTION
    ? nest.Param(name, { schema: toDocument(schema), pipes: [pipe] })
    : nest.Param(name, pipe);
};

function checked(
  decorator: typeof nest.Body | typeof nest.Query,
  schema: ZodType,
  pipe: nest.PipeTransform,
): ParameterDecorator {
  return HAS_SCHEMA_OPTION ? decorator({ schema: toDocument(schema), pipes: [pipe] }) : decorator(pipe);
}

/** Nest 12 uses it; Nest 11 ignores it. */
export const HAS_SCHEMA_OPTION = 'StandardSchemaValidationPipe' in nest;

class SchemaPipe implements nest.PipeTransform {
  constructor(private readonly schema: ZodType) {}

  async transform(value: unknown, { type, data }: nest.ArgumentMetadata): Promise<unknown> {
    const { success, data: parsed, error } = await this.schema.safeParseAsync(value);
    if (success) return parsed;
    if (type === 'param') throw new nest.NotFoundException(`${data} ${JSON.stringify(value)} does not exist`);
    throw new nest.BadRequestException(error.issues.map(({ message }) => message));
  }
}

class CheckingPipe implements nest.PipeTransform {
  constructor(private readonly schema: ZodType) {}

  async transform(input: unknown): Promise<CheckedBody<unknown>> {
    const { success, data: value, error } = await this.schema.safeParseAsync(input);
    if (success) return { input, value, problems: [] };
    return { input, problems: error.issues.map(({ message }) => message) };
  }
}

/**
 * The schema for OpenAPI. It accepts any value: otherwise a host's global pipe would parse the value too, before the
 * pipe of this file.
 */
function toDocument(schema: ZodType) {
  return { '~standard': { ...schema['~standard'], validate: (value: unknown) => ({ value }) } };
}
