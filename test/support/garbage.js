// For tests that count live tensors: handles that earlier tests left behind must be gone before the counting begins.
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** Collects what nothing refers to, and lets the finalizers run. */
export async function collectGarbage() {
  for (let turn = 0; turn < 3; turn++) {
    collect();
    await setImmediate();
  }
}
