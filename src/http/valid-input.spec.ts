import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Module,
  Post,
  StandardSchemaValidationPipe,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { z } from 'zod';
import { ValidBody, ValidParam, ValidQuery } from './valid-input.js';

const idParam = z.uuid();
/** What the pipe returns for a value that it does not check. */
const listQuery = z.object({ since: z.iso.datetime().transform((text) => new Date(text)) });
const noteBody = z.strictObject({
  text: z.string('text is not a string'),
  stars: z.int('stars is no number'),
});

@Controller('notes')
class NotesController {
  @Post(':id')
  create(
    @ValidParam('id', idParam) id: string,
    @ValidQuery(listQuery) query: z.infer<typeof listQuery>,
    @ValidBody(noteBody) body: z.infer<typeof noteBody>,
  ) {
    return { id, since: query.since.getTime(), text: body.text };
  }
}

@Module({ controllers: [NotesController] })
class NotesModule {}

describe.each([
  ['no global pipe', []],
  ['a global StandardSchemaValidationPipe', [new StandardSchemaValidationPipe()]],
])('input of a handler, in a host with %s', (_, pipes) => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    app = await NestFactory.create(NotesModule, { logger: false });
    app.useGlobalPipes(...pipes);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(() => app.close());

  const id = '4f9b6c5e-7f0a-4f0e-9a53-8f5f3a1d2c3b';
  const since = '2026-01-01T00:00:00Z';

  async function post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  }

  it('is parsed by its schemas', async () => {
    expect(await post(`/notes/${id}?since=${since}`, { text: 'hello', stars: 5 })).toEqual({
      status: 201,
      body: { id, since: Date.parse(since), text: 'hello' },
    });
  });

  it('responds with 400 and each problem of a body, in the words of its schema', async () => {
    expect(await post(`/notes/${id}?since=${since}`, { text: 1, stars: 0.5 })).toMatchObject({
      status: 400,
      body: { message: ['text is not a string', 'stars is no number'] },
    });
  });

  it('responds with 404 to an invalid parameter of the path', async () => {
    expect(await post(`/notes/x?since=${since}`, { text: 'hello', stars: 5 })).toMatchObject({
      status: 404,
      body: { message: 'id "x" does not exist' },
    });
  });
});
