import { loadEnv } from './config/env.js';
import { withDataSource } from './database/with-data-source.js';
import { withDatabaseUrl } from './database/with-database-url.js';
import { optionsOf } from './service-callbacks/options-from-env.js';
import { CiphertextRepository } from './service-callbacks/key-rotation/ciphertext.repository.js';
import { KeyRotation } from './service-callbacks/key-rotation/key-rotation.js';
import { keyReport, neededKeys, rotationReport } from './service-callbacks/key-rotation/report.js';
import { PayloadCipher } from './service-callbacks/security/payload-cipher.js';

/**
 * `npm run keys:rotate`: re-encrypts what is stored under the first key. `-- --check`: only says which keys are
 * still needed. Exit code 1 where another key than the first one is.
 */
const onlyCheck = process.argv.includes('--check');
const env = loadEnv(process.env);
const cipher = new PayloadCipher(optionsOf(env).encryptionKeys);

await withDatabaseUrl(env, (url) =>
  withDataSource({ url, poolSize: 1 }, async (dataSource) => {
    const rotation = new KeyRotation(new CiphertextRepository(dataSource), cipher);
    if (!onlyCheck) console.log(rotationReport(await rotation.run(), cipher.currentKeyId));
    const uses = await rotation.uses();
    console.log(keyReport(uses, cipher.currentKeyId, { maxAgeMs: env.CALLBACK_MAX_AGE_MS }));
    if (neededKeys(uses, cipher.currentKeyId).length > 0) process.exitCode = 1;
  }),
);
