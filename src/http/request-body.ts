import type { IncomingMessage } from 'node:http';
import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { z } from 'zod';

/**
 * A JSON object, or a query, with no other fields than these: the error names an unknown field.
 * @param otherwise the error if it is not an object
 */
export function requestBody<Shape extends z.ZodRawShape>(
  shape: Shape,
  otherwise = 'the body is not a JSON object (is Content-Type application/json?)',
) {
  const accepted = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')} is not accepted here; accepted are ${accepted}`
        : otherwise,
  });
}

/** Parameter of a handler: the Content-Length. With `@Headers` the OpenAPI document would list it as a parameter. */
export const ContentLength = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<IncomingMessage>().headers['content-length'],
);

/**
 * For a route on which `{}` means all: Express reads an empty JSON body as `{}` too.
 * @param length the Content-Length
 * @throws BadRequestException if the body is empty
 */
export function assertBody(length: string | undefined): void {
  if (length === '0') throw new BadRequestException('the body is empty; {} is all of them');
}

/**
 * For a field's schema: the message for a missing field, and for an invalid value.
 * @param problem what is wrong with an invalid value
 */
export function fieldError(name: string, problem: string | ((input: unknown) => string)) {
  return ({ input }: { readonly input?: unknown }): string => {
    if (input === undefined) return `${name} is required`;
    return typeof problem === 'string' ? problem : problem(input);
  };
}

/** A UUID in a body. */
export function uuidField(name: string) {
  return z.uuid({ error: fieldError(name, `${name} is not a uuid`) });
}

/** One of some texts in a body. */
export function oneOfField<const Values extends readonly string[]>(name: string, values: Values) {
  const problem = (input: unknown) => `${name} ${JSON.stringify(input)} is not one of ${values.join(', ')}`;
  return z.enum(values, { error: fieldError(name, problem) });
}
