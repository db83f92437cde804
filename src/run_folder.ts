/** What the folders of all long work share: who may claim one, and how it goes on there; of trainings also checkpoints/step-*. */
import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { CumulensError } from './errors.js';
import { holdFile } from './file_lock.js';
import { makeFolder, readJson, TEMPORARY, writeFileAtomic } from './files.js';

export const CONFIG_FILE = 'config.json';
export const STATE_FILE = 'state.json';
/** There while a process is at work in the folder. */
const LOCK_FILE = '.cumulens.lock';

/** Nothing takes so long to write: what is older was left by a process that was killed. */
const ABANDONED_MS = 600_000;

/** Removes what was left half-written, in a shared folder not what another process is writing. */
async function removeHalfWritten(folder: string, names: readonly string[], shared = false): Promise<void> {
  for (const name of names.filter((one) => TEMPORARY.test(one))) {
    const path = join(folder, name);
    const written = shared ? await stat(path).catch(() => undefined) : undefined;
    if (shared && (!written || Date.now() - written.mtimeMs < ABANDONED_MS)) continue;
    await rm(path, { force: true, recursive: true });
  }
}

/** Puts checkpoints in their places that a killed process had only to rename: their state is written last. */
async function placeCheckpoints(folder: string): Promise<void> {
  const checkpoints = checkpointFolder(folder);
  for (const name of await namesIn(checkpoints)) {
    const place = join(checkpoints, name.replace(TEMPORARY, ''));
    const whole = TEMPORARY.test(name) && existsSync(join(checkpoints, name, STATE_FILE));
    if (whole && !existsSync(place)) await rename(join(checkpoints, name), place);
  }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

const nothingHeld: Disposable = { [Symbol.dispose]: () => undefined };

/**
 * Keeps others out of a folder, which it makes, until it is disposed of; where the file system has no locks nothing does.
 * @throws CumulensError ERR_IO when another is at work there
 */
async function holdFolder(folder: string): Promise<Disposable> {
  await makeFolder(folder);
  const held = holdFile(join(folder, LOCK_FILE));
  if (held === 'taken')
    throw new CumulensError('ERR_IO', `${folder}: is being worked in already, by this process or another`);
  return held === 'unsupported' ? nothingHeld : held;
}

/** What is in a folder, but for what keeps others out. */
export async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== LOCK_FILE);
}

/** `work` in a held folder; it stays held for what follows, unless it fails. @throws as `holdFolder` and `work` */
export async function begun(folder: string, work: () => Promise<void>): Promise<Disposable> {
  const held = await holdFolder(folder);
  try {
    await work();
    return held;
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/**
 * Begins a run in a folder by writing its configuration, or finds there the one to resume; what a killed process left half-written in it is
 * removed.
 * @returns what keeps others out of the folder, until it is disposed of
 * @throws CumulensError ERR_OPTION when a run is there and is not to be resumed, there is none to resume, or its settings differ; ERR_IO when
 * the folder is being worked in
 */
export async function claimRunFolder(folder: string, config: object, resume: boolean): Promise<Disposable> {
  const path = join(folder, CONFIG_FILE);
  if (resume && !existsSync(path))
    throw new CumulensError('ERR_OPTION', `${folder}: there is no run to resume: ${CONFIG_FILE} is missing`);
  return begun(folder, async () => {
    if (!existsSync(path)) return writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`);
    if (!resume)
      throw new CumulensError('ERR_OPTION', `${folder}: a run is there already: resume it, or choose another folder`);
    checkSameConfig((await readJson(path)) as Record<string, unknown>, config as Record<string, unknown>, folder);
    await placeCheckpoints(folder);
    for (const part of ['.', 'samples', 'checkpoints'].map((name) => join(folder, name)))
      await removeHalfWritten(part, await namesIn(part));
  });
}

/** Refuses to go on with other settings than a run was begun with. */
function checkSameConfig(saved: Record<string, unknown>, now: Record<string, unknown>, what: string): void {
  const text = (config: Record<string, unknown>, name: string): string =>
    name in config ? JSON.stringify(config[name]) : 'none';
  for (const name of new Set([...Object.keys(now), ...Object.keys(saved)])) {
    const [before, after] = [text(saved, name), text(now, name)];
    if (before === after) continue;
    // Of an object or a dataset's fingerprint the text would tell a person nothing.
    const opaque = name === 'data' || [saved[name], now[name]].some((value) => typeof value === 'object');
    const values = opaque ? '' : `: it was begun with ${before}, got ${after}`;
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
  const names = await namesIn(checkpointFolder(folder));
  return names
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .reverse();
}

export interface WorkFolder {
  /** The command, as messages name it. */
  by: string;
  /** Settings whose values would tell a person nothing, and what to call them. */
  opaque: Readonly<Record<string, string>>;
  /** Whether several processes may be at work in it. */
  shared?: boolean;
}

/**
 * Begins work in a new or an empty folder by writing its settings, or finds there the beginning of this very work. What was left half-written
 * is removed.
 * @returns what keeps others out of the folder, until it is disposed of; of a shared one nothing does
 * @throws CumulensError ERR_OPTION when the folder holds anything else, or was begun with other settings; ERR_IO when it is being worked in
 */
export async function beginOrContinue(
  folder: string,
  settingsFile: string,
  settings: Readonly<Record<string, unknown>>,
  work: WorkFolder,
): Promise<Disposable> {
  if (!work.shared) return begun(folder, () => writeOrCompare(folder, settingsFile, settings, work));
  await makeFolder(folder);
  await writeOrCompare(folder, settingsFile, settings, work);
  return nothingHeld;
}

async function writeOrCompare(
  folder: string,
  settingsFile: string,
  settings: Readonly<Record<string, unknown>>,
  { by, opaque, shared = false }: WorkFolder,
): Promise<void> {
  const path = join(folder, settingsFile);
  const names = await filesIn(folder);
  await removeHalfWritten(folder, names, shared);
  if (!existsSync(path)) {
    if (names.some((name) => !TEMPORARY.test(name))) {
      throw new CumulensError(
        'ERR_OPTION',
        `${folder}: is not empty and holds nothing that ${by} began; name another folder`,
      );
    }
    return writeFileAtomic(path, `${JSON.stringify(settings, null, 2)}\n`);
  }
  const before = (await readJson(path)) as Readonly<Record<string, unknown>>;
  const known = [...new Set([...Object.keys(before), ...Object.keys(settings)])];
  const differing = known.find((name) => JSON.stringify(before[name]) !== JSON.stringify(settings[name]));
  if (differing === undefined) return;
  const values = opaque[differing]
    ? `another ${opaque[differing]}`
    : `${differing} ${JSON.stringify(before[differing])}, not ${JSON.stringify(settings[differing])}`;
  throw new CumulensError(
    'ERR_OPTION',
    `${folder}: was begun with ${values}; name another folder, or remove it to start anew`,
  );
}
