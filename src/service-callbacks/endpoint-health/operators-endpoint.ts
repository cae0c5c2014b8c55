import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CallbackApiExistsError } from '../endpoints/errors.js';
import { CallbackApiRepository } from '../endpoints/callback-api.repository.js';
import { endpointAlert } from '../callback-types/endpoint-alert.js';
import { AddressRules } from '../addresses/address-rules.js';
import { generateSigningSecret } from '../security/signing-secret.js';
import { SERVICE_CALLBACKS_OPTIONS, type CompleteOptions } from '../service-callbacks.options.js';
import { OPERATORS } from './endpoint-alerts.js';

/** Keeps the operators' endpoint at the configured URL. Without a URL there are no alerts to the operators. */
@Injectable()
export class OperatorsEndpoint implements OnModuleInit {
  constructor(
    private readonly callbackApis: CallbackApiRepository,
    private readonly addresses: AddressRules,
    @Inject(SERVICE_CALLBACKS_OPTIONS) private readonly options: CompleteOptions,
  ) {}

  /** @throws InvalidAlertUrlError at the start: otherwise a wrong URL would be noticed much later */
  async onModuleInit(): Promise<void> {
    const { alerts } = this.options;
    if (!alerts) return;
    const check = this.addresses.checkUrl(alerts.url);
    if (!check.ok) throw new InvalidAlertUrlError(alerts.url, check.message);
    const [registered] = await this.callbackApis.list(OPERATORS);
    const where = { url: alerts.url, bearerToken: alerts.token ?? '', updatedById: OPERATORS };
    if (registered) await this.callbackApis.update(OPERATORS, registered.id, where);
    else await this.register(where);
  }

  private async register(where: { url: string; bearerToken: string; updatedById: string }): Promise<void> {
    const which = { serviceId: OPERATORS, callbackType: endpointAlert.type };
    try {
      // This secret is never shown; rotate it to verify alerts.
      await this.callbackApis.create({ ...which, ...where, signingSecret: generateSigningSecret() });
    } catch (error) {
      // Another process with the same configuration was first.
      if (!(error instanceof CallbackApiExistsError)) throw error;
    }
  }
}

export class InvalidAlertUrlError extends Error {
  override readonly name = 'InvalidAlertUrlError';

  /** @param problem continues the sentence, `points to an address that may not be called` */
  constructor(url: string, problem: string) {
    super(
      `The URL of the operators' alerts (ALERT_WEBHOOK_URL) ${JSON.stringify(url)} ${problem}; ` +
        'it is held to the same rules as every callback URL (CALLBACK_ALLOW_HTTP, CALLBACK_ALLOWED_NETWORKS, ' +
        'CALLBACK_ALLOWED_PORTS)',
    );
  }
}
