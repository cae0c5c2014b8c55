export class CallbackApiExistsError extends Error {
  constructor(serviceId: string, callbackType: string) {
    super(`Service ${serviceId} already has a callback API of type ${callbackType}`);
    this.name = 'CallbackApiExistsError';
  }
}
