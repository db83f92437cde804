// Holds a file until it is killed; or adds 1 to a number in a file, `turns` times, each time holding another.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { holdFile } from '../../dist/file_lock.js';

const [what, path, count, turns] = process.argv.slice(2);
if (what === 'hold') {
  globalThis.held = holdFile(path);
  setInterval(() => undefined, 1000);
  process.send('held');
} else {
  for (let turn = 0; turn < Number(turns);) {
    const held = holdFile(path);
    if (held === 'taken') continue;
    writeFileSync(count, String((existsSync(count) ? Number(readFileSync(count, 'utf8')) : 0) + 1));
    held[Symbol.dispose]();
    turn += 1;
  }
  process.disconnect();
}
