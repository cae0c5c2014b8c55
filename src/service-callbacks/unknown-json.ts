import type { z } from 'zod';

/** What is not JSON becomes what no schema accepts: `JSON.parse` would quote it. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Which fields are wrong and how; never what is in them. */
export function problemsOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'data'} ${issue.code}`).join(', ');
}
