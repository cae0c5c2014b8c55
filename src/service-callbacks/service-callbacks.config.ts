import { registerAs } from '@nestjs/config';
import { optionsFromEnv } from './options-from-env.js';

/**
 * The module's options for `@nestjs/config`. They are read from the environment after the host's `ConfigModule` has
 * loaded its `.env` files:
 *
 * `ServiceCallbacksModule.forRootAsync({ ...serviceCallbacksConfig.asProvider(), isGlobal: true })`.
 *
 * @throws InvalidEnvironmentError, InvalidCaFileError like `optionsFromEnv`
 */
export const serviceCallbacksConfig = registerAs('serviceCallbacks', () => optionsFromEnv(process.env));
