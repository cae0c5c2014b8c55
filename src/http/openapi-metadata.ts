/** Where the decorators of `@nestjs/swagger` leave what they are given; by name, so that a host needs no Swagger. */
export const OPENAPI = {
  operation: 'swagger/apiOperation',
  responses: 'swagger/apiResponse',
  produces: 'swagger/apiProduces',
  tags: 'swagger/apiUseTags',
  security: 'swagger/apiSecurity',
  extension: 'swagger/apiExtension',
} as const;

/** In an operation: the scope that a token needs for it. */
export const SCOPE_EXTENSION = 'x-required-scope';
