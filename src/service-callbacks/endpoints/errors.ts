export class CallbackApiExistsError extends Error {
  constructor(serviceId: string, callbackType: string) {
    super(`Service ${serviceId} already has a callback API of type ${callbackType}`);
    this.name = 'CallbackApiExistsError';
  }
}

export class CallbackApiNotFoundError extends Error {
  constructor(serviceId: string, id: string) {
    super(`Service ${serviceId} has no callback API ${id}`);
    this.name = 'CallbackApiNotFoundError';
  }
}

export class InvalidCallbackApiError extends Error {
  /** @param problems one message for each bad field */
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'InvalidCallbackApiError';
  }
}
