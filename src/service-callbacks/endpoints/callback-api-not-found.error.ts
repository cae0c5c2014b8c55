export class CallbackApiNotFoundError extends Error {
  constructor(serviceId: string, id: string) {
    super(`Service ${serviceId} has no callback API ${id}`);
    this.name = 'CallbackApiNotFoundError';
  }
}
