/** Files that one process holds at a time: flock, which the system gives up for a process that has ended, however it ended. */
import { native } from './native.js';

/** Makes a file and holds it until it is disposed of, which removes it. @throws CumulensError ERR_IO where it cannot be made */
export function holdFile(path: string): Disposable | 'taken' | 'unsupported' {
  const lock = native.lockFile(path);
  return typeof lock === 'function' ? { [Symbol.dispose]: lock } : lock;
}
