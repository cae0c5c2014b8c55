import { z } from 'zod';

const NAMES: Readonly<Record<number, string>> = {
  400: 'ValidationError',
  401: 'AuthError',
  403: 'AuthError',
  404: 'NotFoundError',
  405: 'MethodNotAllowedError',
  409: 'ConflictError',
  413: 'PayloadTooLargeError',
  415: 'UnsupportedMediaTypeError',
  429: 'RateLimitError',
  503: 'ServiceUnavailableError',
};

/** The one shape of all errors. */
export const errorBody = z
  .strictObject({
    status_code: z.int().meta({ examples: [400] }),
    errors: z.array(
      z.strictObject({
        error: z.string().meta({ examples: ['ValidationError'] }),
        message: z.string().meta({ examples: ['url is not a valid https url'] }),
      }),
    ),
  })
  .meta({ title: 'Error' });

/** One message for each problem. */
export function errorBodyOf(status: number, messages: readonly string[]): z.infer<typeof errorBody> {
  const error = NAMES[status] ?? 'Error';
  return { status_code: status, errors: messages.map((message) => ({ error, message })) };
}
