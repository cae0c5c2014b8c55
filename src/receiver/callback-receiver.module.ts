import {
  applyDecorators,
  ConfigurableModuleBuilder,
  createParamDecorator,
  Inject,
  Injectable,
  InternalServerErrorException,
  Module,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { CallbackVerificationError } from './errors.js';
import type { CallbackHeaders } from './headers.js';
import { tokenDigests, verifyBearerToken } from './verify-bearer-token.js';
import { signingKeys, verifyCallback, type VerifiedCallback, type VerifyOptions } from './verify-callback.js';

export interface CallbackReceiverOptions extends VerifyOptions {
  /** Signing secrets, `whsec_…`; a request must be signed with one of them. */
  readonly secrets: string | readonly string[];
  /** If given, a request must also have one of these tokens. */
  readonly bearerTokens?: string | readonly string[];
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<CallbackReceiverOptions>({ moduleName: 'CallbackReceiver' })
    .setClassMethodName('forRoot')
    .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();

/** What `@VerifyCallback()` needs. Global unless `isGlobal` is false. */
@Module({ exports: [MODULE_OPTIONS_TOKEN] })
export class CallbackReceiverModule extends ConfigurableModuleClass {
  constructor(@Inject(MODULE_OPTIONS_TOKEN) { secrets, bearerTokens }: CallbackReceiverOptions) {
    super();
    // Checked at the start, not at the first callback.
    signingKeys(secrets);
    if (bearerTokens !== undefined) tokenDigests(bearerTokens);
  }
}

interface CallbackHttpRequest {
  readonly headers: CallbackHeaders;
  readonly rawBody?: Buffer;
  verifiedCallback?: VerifiedCallback;
}

@Injectable()
class VerifyCallbackGuard implements CanActivate {
  constructor(@Inject(MODULE_OPTIONS_TOKEN) private readonly options: CallbackReceiverOptions) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<CallbackHttpRequest>();
    const { secrets, bearerTokens, ...options } = this.options;
    try {
      if (bearerTokens !== undefined) verifyBearerToken(request.headers, bearerTokens);
      request.verifiedCallback = verifyCallback(rawBodyOf(request), request.headers, secrets, options);
      return true;
    } catch (error) {
      if (!(error instanceof CallbackVerificationError)) throw error;
      throw new UnauthorizedException(error.message, { cause: error });
    }
  }
}

function rawBodyOf({ rawBody }: CallbackHttpRequest): Buffer {
  if (rawBody) return rawBody;
  throw new InternalServerErrorException(
    'The request has no raw body: pass { rawBody: true } to NestFactory.create(), and accept application/json',
  );
}

/** Admits verified callbacks. Any other request gets a 401 that says what is wrong with it. */
export const VerifyCallback = (): ClassDecorator & MethodDecorator =>
  applyDecorators(UseGuards(VerifyCallbackGuard));

/** Parameter of a handler with `@VerifyCallback()`: a {@link VerifiedCallback}. */
export const ReceivedCallback = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { verifiedCallback } = context.switchToHttp().getRequest<CallbackHttpRequest>();
  if (verifiedCallback) return verifiedCallback;
  throw new InternalServerErrorException('@ReceivedCallback() is for handlers with @VerifyCallback()');
});
