import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const server = createServer((request, response) => {
  void text(request).then((body) => {
    console.log(request.headers['webhook-id'], body);
    response.writeHead(204).end();
  });
});
server.listen(Number(process.env['PORT'] ?? 4000), '127.0.0.1');
