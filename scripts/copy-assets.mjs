/** What the compiler leaves behind: files that are served as they are. */
import { cpSync } from 'node:fs';

for (const file of ['console.css', 'icon.svg']) {
  cpSync(`src/console/assets/${file}`, `dist/src/console/assets/${file}`);
}
