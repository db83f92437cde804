// Fetches PyTorch's wheel with pip and unpacks libtorch from it into the user cache. What is in the cache is whole: everything is
// made in a folder beside it, which gets its name in the end. An interrupted fetch starts clean (pip keeps finished downloads
// in its own cache).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from '../lock.mjs';
import { Progress, formatBytes } from '../progress.mjs';
import { checkPython } from '../prerequisites.mjs';
import { cachedRoot, checkVariant, describeLibtorch, isLibtorch, LibtorchError } from './resolve.mjs';
import { VARIANTS, wheelTags } from './variants.mjs';

const UNPACK = fileURLToPath(new URL('unpack.py', import.meta.url));

/**
 * Puts a libtorch into the user cache, unless it is there.
 * @param {{variant?: string, env?: NodeJS.ProcessEnv, log?: (line: string) => void, signal?: AbortSignal}} [options]
 * @returns {Promise<import('./resolve.mjs').Libtorch>}
 */
export async function fetchLibtorch({
  variant = 'cpu',
  env = process.env,
  log = (line) => console.error(line),
  signal,
} = {}) {
  const wanted = VARIANTS[checkVariant(variant)];
  const root = cachedRoot(variant, env);
  const folder = dirname(root);
  if (!isLibtorch(root)) {
    const onWait = () => log(`another process is fetching libtorch ${wanted.version} (${variant}): waiting for it`);
    await withLock(
      `${folder}.lock`,
      () => isLibtorch(root) || fetchInto(folder, variant, wanted, { env, log, signal }),
      { onWait, signal },
    );
  }
  return describeLibtorch(root, 'cache', { ...env, LIBTORCH_NVIDIA: undefined });
}

async function fetchInto(folder, variant, wanted, { env, log, signal }) {
  const tags = wheelTags();
  if (!tags) {
    throw new LibtorchError(
      `no libtorch is published for ${process.platform}-${process.arch} that cumulens knows of: set LIBTORCH to one of your own`,
    );
  }
  const parent = dirname(folder);
  removeLeftovers(parent, basename(folder));
  checkDisk(parent, wanted, log, `libtorch ${wanted.version} (${variant})`);
  const python = checkPython(env);
  if (!python.ok) throw new LibtorchError(`${python.needed} is needed to fetch libtorch: ${python.fix}`);

  const work = mkdtempSync(join(parent, `${basename(folder)}.partial-`));
  const remove = () => rmSync(work, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const context = { python: python.command, env, signal, work };
    const wheels = await download(context, wanted, tags);
    const tree = join(work, 'tree');
    const kept = [];
    for (const wheel of wheels) kept.push(await unpack(context, wheel, tree));
    writeFileSync(
      join(tree, 'fetched.json'),
      `${JSON.stringify({ variant, requirements: wanted.requirements, wheels: kept }, null, 2)}\n`,
    );
    putInPlace(tree, folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
  log(`libtorch ${wanted.version} (${variant}) is in ${folder}`);
}

function removeLeftovers(parent, name) {
  for (const entry of readdirSync(parent)) {
    if (entry.startsWith(`${name}.partial-`)) rmSync(join(parent, entry), { recursive: true, force: true });
  }
}

function checkDisk(parent, wanted, log, name) {
  const needed = wanted.downloadBytes + wanted.unpackedBytes;
  const { bavail, bsize } = statfsSync(parent);
  const free = bavail * bsize;
  const sizes = `${formatBytes(wanted.downloadBytes)} to download, ${formatBytes(wanted.unpackedBytes)} unpacked`;
  log(`${name}: ${sizes}, into ${parent} (${formatBytes(free)} free)`);
  if (free >= needed * 1.05) return;
  throw new LibtorchError(
    `${name} needs ${formatBytes(needed * 1.05)} in ${parent} while it unpacks, and ${formatBytes(free)} is free: ` +
      'free some, or set XDG_CACHE_HOME to a roomier disk, or LIBTORCH to a libtorch that is there',
    'ERR_IO',
  );
}

async function download({ python, env, signal, work }, wanted, tags) {
  const [wheels, temporary] = ['wheels', 'pip'].map((name) => join(work, name));
  mkdirSync(temporary);
  // TMPDIR: pip collects a download there before it names it, and it has to be on the disk whose room was checked.
  const args = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--progress-bar',
    'off',
    '--no-input',
    '--disable-pip-version-check',
  ];
  // Only the NVIDIA wheels come from PyPI as well: where it is not needed, it is not asked for torch.
  args.push(
    wanted.alsoPyPI ? '--extra-index-url' : '--index-url',
    wanted.index,
    ...tags,
    '-d',
    wheels,
    ...wanted.requirements,
  );
  const progress = new Progress({ label: 'download', total: wanted.downloadBytes, unit: 'B' });
  const watch = setInterval(() => progress.update(Math.min(sizeOf(work), wanted.downloadBytes)), 500);
  try {
    await run(python, args, { env: { ...env, TMPDIR: temporary }, signal });
  } catch (error) {
    progress.stop();
    if (signal?.aborted) throw error;
    throw new LibtorchError(`pip could not download ${wanted.requirements[0]}: ${error.message}`);
  } finally {
    clearInterval(watch);
  }
  progress.update(sizeOf(wheels));
  progress.finish();
  rmSync(temporary, { recursive: true, force: true });
  return readdirSync(wheels).map((name) => join(wheels, name));
}

async function unpack({ python, env, signal }, wheel, tree) {
  mkdirSync(tree, { recursive: true });
  const entry = { file: basename(wheel), bytes: statSync(wheel).size, sha256: await sha256(wheel) };
  const progress = new Progress({ label: `unpack ${entry.file.split('-')[0]}`, unit: 'B' });
  const onLine = (line) => {
    const [done, total] = line.split(' ').map(Number);
    progress.update(done, undefined, total);
  };
  try {
    await run(python, [UNPACK, wheel, tree], { env, signal, onLine });
  } catch (error) {
    progress.stop();
    throw error;
  }
  progress.finish();
  rmSync(wheel);
  return entry;
}

function putInPlace(tree, folder) {
  if (!isLibtorch(join(tree, 'torch')))
    throw new LibtorchError(`PyTorch's wheel held no torch/lib/libtorch_cpu.so with torch/include`);
  // A folder of that name that isn't a libtorch is a damaged one: it goes.
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  renameSync(tree, folder);
}

async function sha256(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 22 })) hash.update(chunk);
  return hash.digest('hex');
}

function sizeOf(folder) {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    // pip removes files while they are counted.
    bytes += entry.isDirectory() ? quietly(() => sizeOf(path)) : quietly(() => statSync(path).size);
  }
  return bytes;
}

function quietly(measure) {
  try {
    return measure();
  } catch {
    return 0;
  }
}

/** Runs a program; its lines go to `onLine`; when it fails, its last words are the error. */
function run(command, args, { env, signal, onLine }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
    let [rest, said] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      if (onLine) lines.forEach(onLine);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-4000)));
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(
            said.trim().split('\n').slice(-4).join('\n') || `${command} ended with ${killedBy ?? `exit code ${code}`}`,
          ),
        );
    });
  });
}
