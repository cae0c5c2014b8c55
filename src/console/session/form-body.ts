import { PayloadTooLargeException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

/** The largest form, bytes: ten times a page of given-up callbacks, all selected. */
const LIMIT = 64 * 1024;

/** The fields of a form; a field may occur several times. */
export type Form = URLSearchParams;

/**
 * Reads the form of a request. It is no body parser of the application: the REST API still accepts only JSON, which no
 * form of another site can send.
 * @throws PayloadTooLargeException
 */
export async function formOf(request: IncomingMessage & { readonly body?: unknown }): Promise<Form> {
  if (isFields(request.body)) return fromFields(request.body);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMIT) throw new PayloadTooLargeException(`a form is larger than ${LIMIT} bytes`);
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** A host's own parser may have read the form: a field that occurs several times is then a list. */
function isFields(body: unknown): body is Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null && Object.keys(body).length > 0;
}

function fromFields(fields: Readonly<Record<string, unknown>>): Form {
  return new URLSearchParams(
    Object.entries(fields).flatMap(([name, given]) =>
      // For a long list, some parsers make an object with numbers as keys.
      (typeof given === 'string' ? [given] : Object.values(given ?? {})).map((value): [string, string] => [
        name,
        String(value),
      ]),
    ),
  );
}
