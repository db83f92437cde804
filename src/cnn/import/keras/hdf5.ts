/**
 * HDF5 files, read by h5wasm in a thread of their own: a malformed file may abort the library, send it round in circles or
 * use up its memory, and then ends with its thread. The library reads the file where it lies; nothing is copied into it whole.
 */
import { Worker } from 'node:worker_threads';

import { CumulensError } from '../../../errors.js';
import type { ImportedTensor } from '../contract.js';

export type Hdf5Attributes = Record<string, string | string[]>;

/** What the thread is asked. */
export interface Hdf5Request {
  path: string;
  /** Groups that are not looked into. */
  skip: readonly string[];
}

/** What the thread says. */
export type Hdf5Message =
  | { kind: 'group'; path: string; attributes: Hdf5Attributes }
  | { kind: 'dataset'; path: string; shape: number[]; data: Float32Array<ArrayBuffer> }
  | { kind: 'alive' | 'done' }
  | { kind: 'failed'; problem: string };

export interface Hdf5File {
  /** Attributes that are text, by group; '' is the root. */
  groups: Map<string, Hdf5Attributes>;
  /** Numbers as float32, by path. */
  datasets: Map<string, ImportedTensor>;
}

/** An array, which the file then no longer holds: large ones are not kept twice. */
export function takeDataset(file: Hdf5File, path: string): ImportedTensor | undefined {
  const tensor = file.datasets.get(path);
  file.datasets.delete(path);
  return tensor;
}

/** Longer than any disk takes for a slab. */
const SILENCE_MS = 60_000;
const HEAP_MB = 512;

/** Collects what the thread says until it is done. @throws CumulensError by rejection */
function listen(worker: Worker, file: Hdf5File, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (problem: string): void => {
      reject(new CumulensError('ERR_FORMAT', `${path}: not a whole HDF5 file: ${problem}`));
    };
    const watchdog = setTimeout(() => fail('reading it does not end'), SILENCE_MS);
    worker.on('message', (message: Hdf5Message) => {
      watchdog.refresh();
      if (message.kind === 'group') file.groups.set(message.path, message.attributes);
      else if (message.kind === 'dataset') file.datasets.set(message.path, message);
      else if (message.kind === 'failed') fail(message.problem);
      else if (message.kind === 'done') resolve();
    });
    worker.on('error', (error) => fail(error.message.split('\n')[0] ?? ''));
    worker.on('exit', () => {
      clearTimeout(watchdog);
      fail('the library gave up on it');
    });
  });
}

/**
 * All of a file but the groups to skip. Links to other files are not followed.
 * @throws CumulensError ERR_FORMAT naming the file and what in it is wrong
 */
export async function readHdf5(path: string, skip: readonly string[] = []): Promise<Hdf5File> {
  const file: Hdf5File = { groups: new Map(), datasets: new Map() };
  const workerData: Hdf5Request = { path, skip };
  const worker = new Worker(new URL('./hdf5_worker.js', import.meta.url), {
    workerData,
    // An abort is told there too; the error says it.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  try {
    await listen(worker, file, path);
    return file;
  } finally {
    await worker.terminate();
  }
}
