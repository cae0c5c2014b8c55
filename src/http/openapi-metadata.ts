/** The metadata keys of the decorators of `@nestjs/swagger`. They are named here, so that a host needs no Swagger. */
export const OPENAPI = {
  operation: 'swagger/apiOperation',
  responses: 'swagger/apiResponse',
  produces: 'swagger/apiProduces',
  tags: 'swagger/apiUseTags',
  security: 'swagger/apiSecurity',
  extension: 'swagger/apiExtension',
} as const;

/** The field of an operation for the scope that a token needs. */
export const SCOPE_EXTENSION = 'x-required-scope';
