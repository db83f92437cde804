/** Files that a model's file names: in its folder, or below, and nowhere else. */
import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';

import { CumulensError } from '../../errors.js';

export interface FileBeside {
  /** As the model names it. */
  path: string;
  /** Where it lies, links followed. */
  real: string;
  bytes: number;
}

const leavesFolder = (path: string): boolean => isAbsolute(path) || path.split(sep).includes('..');

export const cannotOpen =
  (path: string) =>
  (cause: unknown): never => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  };

/** @param refuse ends the import, saying whose file it is. @throws CumulensError ERR_IO */
export async function fileBeside(
  name: string,
  modelPath: string,
  refuse: (problem: string) => never,
): Promise<FileBeside> {
  const local = normalize(name);
  if (leavesFolder(local) || /[\0\\]|^[a-z]+:/i.test(name))
    refuse(`'${name}', which does not lie in the model's folder`);
  const path = join(dirname(modelPath), local);
  // Where links lead counts, too.
  const folder = await realpath(dirname(modelPath)).catch(cannotOpen(path));
  const real = await realpath(path).catch(cannotOpen(path));
  if (leavesFolder(relative(folder, real))) refuse(`'${name}', a link to '${real}' outside the model's folder`);
  const info = await stat(real).catch(cannotOpen(path));
  if (!info.isFile()) refuse(`'${name}', which is no file`);
  return { path, real, bytes: info.size };
}
