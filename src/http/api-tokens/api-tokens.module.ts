import { Module, type DynamicModule } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { ApiTokenRepository } from './api-token.repository.js';
import { ApiTokens } from './api-tokens.js';

/** Who may call the REST API and sign in to the console. */
@Module({})
export class ApiTokensModule {
  /** @param entries the entries of `API_TOKENS` */
  static forRoot(entries: readonly string[]): DynamicModule {
    return {
      module: ApiTokensModule,
      providers: [
        {
          provide: ApiTokens,
          inject: [getDataSourceToken()],
          useFactory: (dataSource: DataSource) => new ApiTokens(entries, new ApiTokenRepository(dataSource)),
        },
      ],
      exports: [ApiTokens],
    };
  }
}
