/** What the folders of all trainings share: who may claim one, and its checkpoints/step-*. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { CumulensError } from './errors.js';
import { makeFolder, readJson, writeFileAtomic } from './files.js';

export const CONFIG_FILE = 'config.json';
export const STATE_FILE = 'state.json';

/**
 * Begins a run in a folder by writing its configuration, or finds there the one to resume.
 * @throws CumulensError ERR_OPTION when a run is there and is not to be resumed, there is none to resume, or its settings differ.
 */
export async function claimRunFolder(folder: string, config: object, resume: boolean): Promise<void> {
  const path = join(folder, CONFIG_FILE);
  if (existsSync(path)) {
    if (!resume)
      throw new CumulensError('ERR_OPTION', `${folder}: a run is there already: resume it, or choose another folder`);
    checkSameConfig((await readJson(path)) as Record<string, unknown>, config, folder);
    return;
  }
  if (resume) throw new CumulensError('ERR_OPTION', `${folder}: there is no run to resume: ${CONFIG_FILE} is missing`);
  await makeFolder(folder);
  await writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`);
}

/** Refuses to go on with other settings than a run was begun with. */
function checkSameConfig(saved: Readonly<Record<string, unknown>>, now: object, what: string): void {
  for (const [name, value] of Object.entries(now)) {
    const [before, after] = [JSON.stringify(saved[name]), JSON.stringify(value)];
    if (before === after) continue;
    // Of an object or a dataset's fingerprint the text would tell a person nothing.
    const values =
      typeof value === 'object' || name === 'data'
        ? ''
        : `: it was begun with ${name in saved ? before : 'none'}, got ${after}`;
    throw new CumulensError('ERR_OPTION', `${what}: the run cannot be resumed with another ${name}${values}`);
  }
}

/** Where the run's checkpoint `name` is; without a name, where all of them are. */
export function checkpointFolder(folder: string, name = ''): string {
  return join(folder, 'checkpoints', name);
}

/** Names sort as steps do. */
export function stepName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

/** Names of a run's checkpoints, newest first. */
export async function checkpointNames(folder: string): Promise<string[]> {
  const names = await readdir(checkpointFolder(folder)).catch(() => []);
  return names
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .reverse();
}
