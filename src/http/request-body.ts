import { z } from 'zod';

/** A JSON object with exactly these fields; one that is not among them is named, not ignored. */
export function requestBody<Shape extends z.ZodRawShape>(shape: Shape) {
  const accepted = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')} is not accepted here; accepted are ${accepted}`
        : 'the body is not a JSON object (is Content-Type application/json?)',
  });
}

/** A UUID in a body. */
export function uuidField(name: string) {
  return z.uuid({ error: `${name} is not a uuid` });
}
