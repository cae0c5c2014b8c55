import dns, { Packet, type Packet as Message } from 'dns2';
import { EventEmitter, once } from 'node:events';

/** One record of an answer; `name` if it differs from the name in the query. */
export type DnsRecord = { readonly name?: string } & (
  { readonly a: string } | { readonly aaaa: string } | { readonly cname: string }
);

type DnsResource = Message['answers'][number];

export type DnsAnswer = readonly DnsRecord[] | 'no_response' | 'nxdomain' | 'servfail';

export interface DnsQuestion {
  readonly name: string;
  readonly type: 'A' | 'AAAA';
}

/** The answer for a name; `earlier` is the number of earlier queries for the same name and type. */
export type DnsScript = (question: DnsQuestion, earlier: number) => DnsAnswer | Promise<DnsAnswer>;

/** A real name server, on a UDP port of 127.0.0.1, with answers that a test sets. */
export interface DnsServer {
  /** `127.0.0.1:port`, as `CALLBACK_DNS_SERVERS` takes it. */
  readonly address: string;
  readonly questions: readonly DnsQuestion[];
  /** Sets the answer for a name, or with `*.` for every name under it. Other names do not exist. */
  respond(name: string, script: DnsScript): void;
  /** Resolves with the query that makes it true, at once if one already did. */
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<number, DnsQuestion['type']>> = {
  [Packet.TYPE.A]: 'A',
  [Packet.TYPE.AAAA]: 'AAAA',
};
const RCODE_SERVFAIL = 2;
const RCODE_NXDOMAIN = 3;
/** Nobody may cache the answers of a hostile server. */
const TTL = 0;

export async function startDnsServer(): Promise<DnsServer> {
  const scripts = new Map<string, DnsScript>();
  const questions: DnsQuestion[] = [];
  const arrivals = new EventEmitter();

  const answerTo = (question: DnsQuestion): DnsAnswer | Promise<DnsAnswer> => {
    const { name, type } = question;
    const earlier = questions.filter((one) => one.name === name && one.type === type).length;
    questions.push(question);
    arrivals.emit('question');
    const script = scripts.get(name) ?? scripts.get(name.replace(/^[^.]+/, '*'));
    return script === undefined ? 'nxdomain' : script(question, earlier);
  };

  const server = dns.createUDPServer((request, send) => {
    const [first] = request.questions;
    const type = first && TYPES[first.type];
    if (first === undefined || type === undefined) return;
    void Promise.resolve(answerTo({ name: first.name.toLowerCase(), type })).then((answer) => {
      if (answer !== 'no_response') void send(messageOf(request, answer));
    });
  });
  // Many queries come at once.
  server.once('listening', () => server.setRecvBufferSize(1024 * 1024));
  void server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return {
    address: `127.0.0.1:${port}`,
    questions,
    respond: (name, script) => scripts.set(name, script),
    until: async (condition) => {
      while (!condition()) await once(arrivals, 'question');
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

function messageOf(request: Message, answer: Exclude<DnsAnswer, 'no_response'>): Message {
  const response = Packet.createResponseFromRequest(request);
  if (answer === 'nxdomain') response.header.rcode = RCODE_NXDOMAIN;
  else if (answer === 'servfail') response.header.rcode = RCODE_SERVFAIL;
  else response.answers.push(...answer.map((record) => resourceOf(record, request.questions[0]?.name ?? '')));
  return response;
}

function resourceOf(record: DnsRecord, queried: string): DnsResource {
  const base = { name: record.name ?? queried, class: Packet.CLASS.IN, ttl: TTL };
  if ('cname' in record) return resource({ ...base, type: Packet.TYPE.CNAME, domain: record.cname });
  if ('a' in record) return resource({ ...base, type: Packet.TYPE.A, address: record.a });
  return resource({ ...base, type: Packet.TYPE.AAAA, address: record.aaaa });
}

function resource(fields: Partial<DnsResource>): DnsResource {
  return new Packet.Resource(fields);
}
