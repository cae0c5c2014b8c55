export class UnknownCallbackTypeError extends Error {
  constructor(type: string, known: readonly string[]) {
    super(`The callback type ${JSON.stringify(type)} is not known; known are ${known.join(', ')}`);
    this.name = 'UnknownCallbackTypeError';
  }
}
