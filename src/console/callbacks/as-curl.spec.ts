import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReceiver, type Receiver } from '../../../test/support/receiver.js';
import { generateSigningSecret } from '../../service-callbacks/security/signing-secret.js';
import { WebhookSigner } from '../../service-callbacks/security/webhook-signer.js';
import { asCurl } from './as-curl.js';
import { sentHeaders } from './sent-headers.js';

const headers = sentHeaders('an-id', new Date());
const PATH = process.env['PATH'];

describe('as curl', () => {
  let receiver: Receiver;

  beforeAll(async () => {
    receiver = await startReceiver();
  });

  afterAll(() => receiver.close());

  it('sends the request, signed with the secret of the environment', async () => {
    const secret = generateSigningSecret();
    const body = `{"message":"it's $HOME \`id\` \\"quoted\\" and ünïcode"}`;
    const command = asCurl({ url: receiver.url('/curl?a=1&b=$(id)'), headers, body });
    await promisify(execFile)('/bin/sh', ['-c', command], {
      env: { PATH, CALLBACK_TOKEN: 'a-token', CALLBACK_SECRET: secret },
    });
    const [request] = receiver.requests;
    expect(request).toMatchObject({ method: 'POST', body });
    const sent = request?.headers ?? {};
    expect(sent).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer a-token',
      'webhook-id': 'an-id',
    });
    const timestamp = Number(sent['webhook-timestamp']);
    expect(Math.abs(timestamp - Date.now() / 1_000)).toBeLessThan(60);
    expect(sent['webhook-signature']).toBe(
      new WebhookSigner().sign({ id: 'an-id', timestamp, body }, [secret]),
    );
  });

  it.each(["https://example.com/it's", 'https://example.com/`id`;$HOME'])(
    'quotes %s for a shell, and contains no token',
    (url) => {
      const command = asCurl({ url, headers, body: '{}' }).replace(/^curl/m, `printf '%s\\n'`);
      const env = { PATH, CALLBACK_SECRET: generateSigningSecret() };
      const words = execFileSync('/bin/sh', ['-c', command], { env }).toString();
      const lines = words.split('\n');
      expect(lines).toContain(url);
      expect(lines).toContain('authorization: Bearer ');
      expect(lines).toContain('webhook-id: an-id');
    },
  );
});
