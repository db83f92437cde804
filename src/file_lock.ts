/** Files that one process holds at a time: flock, which the system gives up for a process that has ended, however it ended. */
import { native } from './native.js';

/** Makes a file and holds it until it is disposed of, which removes it. @returns undefined where another holds it @throws CumulensError ERR_IO */
export function holdFile(path: string): Disposable | undefined {
  const release = native.lockFile(path);
  return release ? { [Symbol.dispose]: release } : undefined;
}
