/**
 * A process with one endpoint of every hostile kind, or with a healthy one if its argument is `healthy`. It sends their
 * ports, and ends with its parent.
 */
import { startTcpServer } from './receiver/tcp-server.js';
import * as hostile from './receiver/hostile-sockets.js';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

const behaviours: readonly hostile.SocketBehaviour[] = [
  {},
  hostile.resetOnFirstBytes(),
  hostile.resetInHeaders(),
  hostile.resetInBody(),
  hostile.closeInHeaders(),
  hostile.halfCloseOnAccept(),
  hostile.keepAliveThenSilence(),
  hostile.drip(OK, 'x-slow: 1\r\n', 10),
  hostile.drip('', 'HTTP/1.1 103 Early Hints\r\n\r\n', 100),
  hostile.drip(`${OK}content-length: 100000\r\n\r\n`, '.', 10),
  hostile.flood('', 'HTTP/1.1 103 Early Hints\r\n\r\n'),
  hostile.flood('', 'HTTP/1.1 100 Continue\r\n\r\n'),
  hostile.flood('HTTP/1.1 200 ', 'O'.repeat(1_000)),
  hostile.flood(`${OK}x-long: `, 'x'.repeat(1_000)),
  hostile.flood(OK, 'a: b\r\n'),
  hostile.flood(CHUNKED, `400\r\n${'x'.repeat(0x400)}\r\n`),
  hostile.flood(`${CHUNKED}5;`, 'x'.repeat(1_000)),
  hostile.flood(`${CHUNKED}0\r\n`, 'x-trailer: 1\r\n'),
  hostile.flood('', '\u0000\u0001\u0002\u0003'),
  hostile.brotliBomb(),
];

const healthy = hostile.respondWith(`${OK}content-length: 0\r\n\r\n`);
const wanted = process.argv[2] === 'healthy' ? [healthy] : behaviours;
const servers = await Promise.all(wanted.map((behaviour) => startTcpServer(behaviour)));
process.once('disconnect', () => process.exit(0));
process.send?.(servers.map(({ port }) => port));
