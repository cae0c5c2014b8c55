import { STATUS_CODES } from 'node:http';
import * as nest from '@nestjs/common';
import type { ZodType } from 'zod';
import { errorBody, errorBodyOf } from './error-body.js';
import { OPENAPI } from './openapi-metadata.js';
import { HAS_SCHEMA_OPTION } from './valid-input.js';

/** The description of one operation for the OpenAPI document. */
interface OperationDescription {
  /** A few words, for lists. */
  readonly summary: string;
  /** A longer description, in Markdown. */
  readonly description?: string;
  /** The status code of a success. */
  readonly status: number;
  /** The schema of a success' body; absent: no body. */
  readonly response?: ZodType;
  /** Default: `application/json`. */
  readonly contentType?: string;
  /** Errors that only some operations have, by status code: a description, or the schema of a body of its own. */
  readonly errors?: Readonly<Record<number, string | ZodType>>;
}

/**
 * Sets a handler's status code, and describes it for `@nestjs/swagger`, which a host may or may not have. Swagger on
 * Nest 11 does not read the schemas.
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

/** For a controller: the heading under which its operations are listed. */
export const OperationsOf = (tag: string): ClassDecorator => nest.SetMetadata(OPENAPI.tags, [tag]);

function failure(status: number, error: string | ZodType) {
  if (typeof error !== 'string') return { description: error.description, ...schemaOf(error) };
  return { description: error, example: errorBodyOf(status, [error]), ...schemaOf(errorBody) };
}

function schemaOf(schema: ZodType | undefined) {
  return HAS_SCHEMA_OPTION && schema !== undefined ? { standardSchema: schema } : {};
}
