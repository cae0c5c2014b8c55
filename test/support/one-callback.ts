/** A process that sends one callback to the URL it is given, prints the outcome and ends. */
import { clientUnderTest } from './callback-client.js';

const [url = ''] = process.argv.slice(2);
const { client, wire } = clientUnderTest();
const request = { id: 'an-id', url, bearerToken: 'a-token', signingSecrets: [], body: '{}' };
console.log(JSON.stringify(await client.send(request)));
await wire.close();
