import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  // The signature is of the bytes: without `rawBody` they are gone by the time that the guard runs.
  const app = await NestFactory.create(AppModule.forRoot(process.env), { rawBody: true });
  await app.listen(process.env['PORT'] ?? 4000, '127.0.0.1');
}
void bootstrap();
