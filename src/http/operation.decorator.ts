import { STATUS_CODES } from 'node:http';
import * as nest from '@nestjs/common';
import type { ZodType } from 'zod';
import { errorBody, errorBodyOf } from './error-body.js';
import { OPENAPI } from './openapi-metadata.js';
import { HAS_SCHEMA_OPTION } from './valid-input.js';

/** What the OpenAPI document says of one operation. */
interface OperationDescription {
  /** A few words, for lists. */
  readonly summary: string;
  /** More, in Markdown. */
  readonly description?: string;
  /** Of a success; what the handler returns is sent with it. */
  readonly status: number;
  /** The body of a success; none where this is absent. */
  readonly response?: ZodType;
  /** `application/json` where this is absent. */
  readonly contentType?: string;
  /** Errors that this operation has beside those of all: what each means, or the schema of a body of its own. */
  readonly errors?: Readonly<Record<number, string | ZodType>>;
}

/**
 * Sets a handler's status, and describes it for `@nestjs/swagger`, which a host may have or not. On Nest 11 Swagger
 * does not know the schemas.
 */
export function Operation({ summary, description, status, ...rest }: OperationDescription): MethodDecorator {
  const { response, contentType, errors = {} } = rest;
  const success = { description: response?.description ?? STATUS_CODES[status], ...schemaOf(response) };
  const failures = Object.entries(errors).map(([code, error]) => [code, failure(Number(code), error)]);
  return nest.applyDecorators(
    nest.HttpCode(status),
    nest.SetMetadata(OPENAPI.operation, { summary, ...(description !== undefined && { description }) }),
    nest.SetMetadata(OPENAPI.responses, { [status]: success, ...Object.fromEntries(failures) }),
    ...(contentType === undefined ? [] : [nest.SetMetadata(OPENAPI.produces, [contentType])]),
  );
}

/** Of a controller: under which heading its operations are listed. */
export const OperationsOf = (tag: string): ClassDecorator => nest.SetMetadata(OPENAPI.tags, [tag]);

function failure(status: number, error: string | ZodType) {
  if (typeof error !== 'string') return { description: error.description, ...schemaOf(error) };
  return { description: error, example: errorBodyOf(status, [error]), ...schemaOf(errorBody) };
}

function schemaOf(schema: ZodType | undefined) {
  return HAS_SCHEMA_OPTION && schema !== undefined ? { standardSchema: schema } : {};
}
