import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  // The signature covers the bytes of the body; without `rawBody` the guard cannot read them.
  const app = await NestFactory.create(AppModule.forRoot(process.env), { rawBody: true });
  await app.listen(process.env['PORT'] ?? 4000, '127.0.0.1');
}
void bootstrap();
