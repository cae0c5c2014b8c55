import { PayloadTooLargeException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

/** Largest form, bytes: a page of dead letters, all selected, is a tenth of it. */
const LIMIT = 64 * 1024;

/** The fields of a form; a field may stand there several times. */
export type Form = URLSearchParams;

/**
 * Reads the form of a request. Not a body parser of the application: its REST API goes on taking JSON alone,
 * which no other site's form can send.
 *
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

/** A host may have a parser of its own in front of this: a field that stands there several times is a list then. */
function isFields(body: unknown): body is Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null && Object.keys(body).length > 0;
}

function fromFields(fields: Readonly<Record<string, unknown>>): Form {
  return new URLSearchParams(
    Object.entries(fields).flatMap(([name, given]) =>
      // Of many, some parsers make an object with numbers for keys.
      (typeof given === 'string' ? [given] : Object.values(given ?? {})).map((value): [string, string] => [
        name,
        String(value),
      ]),
    ),
  );
}
