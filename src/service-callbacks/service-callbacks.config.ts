import { registerAs } from '@nestjs/config';
import { optionsFromEnv } from './options-from-env.js';

/**
 * The module's options for `@nestjs/config`, read from the environment once the host's `ConfigModule` has loaded its
 * `.env` files: `ServiceCallbacksModule.forRootAsync({ ...serviceCallbacksConfig.asProvider(), isGlobal: true })`.
 *
 * @throws InvalidEnvironmentError, InvalidCaFileError as `optionsFromEnv`
 */
export const serviceCallbacksConfig = registerAs('serviceCallbacks', () => optionsFromEnv(process.env));
