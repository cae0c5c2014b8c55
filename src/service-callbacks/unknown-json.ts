import type { z } from 'zod';

/** Invalid JSON becomes a value that no schema accepts. An error of `JSON.parse` would quote it. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Which fields are wrong and how; never their values. */
export function problemsOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'data'} ${issue.code}`).join(', ');
}
