/** The response of a test's endpoint: a status code, or more of a response. */
export type TestResponse =
  | number
  | {
      readonly statusCode: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    };

/** A list of responses: each request gets the next one, and the last one stays. */
export class ResponseScript<Response = TestResponse> {
  private responses: Response[];

  constructor(private readonly otherwise: Response) {
    this.responses = [otherwise];
  }

  /** @throws RangeError naming each invalid status code */
  set(responses: readonly Response[]): void {
    const bad = responses.map(statusCodeOf).filter((code) => code !== undefined && !isFinalStatusCode(code));
    if (bad.length > 0)
      throw new RangeError(`${bad.join(', ')}: a status code is a whole number from 200 to 599`);
    this.responses = responses.length > 0 ? [...responses] : [this.otherwise];
  }

  next(): Response {
    const [first = this.otherwise] = this.responses;
    if (this.responses.length > 1) this.responses.shift();
    return first;
  }
}

function statusCodeOf(response: unknown): unknown {
  return typeof response === 'object' && response !== null
    ? (response as { statusCode?: unknown }).statusCode
    : response;
}

function isFinalStatusCode(code: unknown): boolean {
  return Number.isInteger(code) && (code as number) >= 200 && (code as number) <= 599;
}
