// Finds libtorch, the same for everybody: cmake-js, node-gyp, the loader, doctor. It reads a few small files and downloads nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { VARIANTS } from './variants.mjs';

/** What goes wrong while libtorch is looked for or fetched; `code` is one of CumulensError's. */
export class LibtorchError extends Error {
  constructor(message, code = 'ERR_LIBTORCH_NOT_FOUND') {
    super(message);
    this.name = 'LibtorchError';
    this.code = code;
  }
}

/**
 * @typedef {object} Libtorch
 * @property {string} root holds lib/ and include/
 * @property {string} lib
 * @property {string[]} include every folder a compiler has to look in, NVIDIA's included
 * @property {string} version such as 2.13.0+cpu
 * @property {string | null} cuda the CUDA release it was built for, such as 13.0; null for a CPU build
 * @property {string | null} nvidia the folder with NVIDIA's include/ and lib/, where it lies beside torch
 * @property {'LIBTORCH' | 'LIBTORCH_USE_PYTORCH' | 'cache'} source
 */

/** The folder that holds the fetched ones: `$XDG_CACHE_HOME/cumulens/libtorch`, `~/.cache/…` without. */
export function cacheRoot(env = process.env) {
  const xdg = env.XDG_CACHE_HOME;
  const base = xdg && isAbsolute(xdg) ? xdg : join(env.HOME || homedir(), '.cache');
  return join(base, 'cumulens', 'libtorch');
}

/** Where a variant lies (or will lie) in the user cache. */
export function cachedRoot(variant, env = process.env) {
  return join(cacheRoot(env), `${VARIANTS[variant].version}-${variant}`, 'torch');
}

/** The variant that builds take from the cache: the one `cumulens libtorch` fetched last, else `cpu`. */
export function selectedVariant(env = process.env) {
  try {
    return checkVariant(readFileSync(join(cacheRoot(env), 'selected'), 'utf8').trim());
  } catch {
    return 'cpu';
  }
}

export function selectVariant(variant, env = process.env) {
  const file = join(cacheRoot(env), 'selected');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, `${checkVariant(variant)}\n`);
  renameSync(`${file}.${process.pid}`, file);
}

export function checkVariant(variant) {
  if (Object.hasOwn(VARIANTS, variant)) return variant;
  const known = Object.keys(VARIANTS).join(', ');
  throw new LibtorchError(`unknown libtorch variant '${variant}': expected one of ${known}`, 'ERR_OPTION');
}

/**
 * Finds libtorch: `LIBTORCH`, then `LIBTORCH_USE_PYTORCH=1`, then the user cache.
 * @param {{env?: NodeJS.ProcessEnv, variant?: string}} [options] `variant` chooses among those in the cache
 * @returns {Libtorch}
 * @throws {LibtorchError} ERR_LIBTORCH_NOT_FOUND, saying what to do
 */
export function resolveLibtorch({ env = process.env, variant } = {}) {
  if (env.LIBTORCH) return describeLibtorch(resolve(env.LIBTORCH), 'LIBTORCH', env);
  if (isSet(env.LIBTORCH_USE_PYTORCH)) return describeLibtorch(askPython(env), 'LIBTORCH_USE_PYTORCH', env);
  const chosen = checkVariant(variant ?? selectedVariant(env));
  const root = cachedRoot(chosen, env);
  if (!isLibtorch(root)) {
    throw new LibtorchError(
      `libtorch ${VARIANTS[chosen].version} (${chosen}) is not in ${cacheRoot(env)}: run 'npx cumulens libtorch --variant ${chosen}' ` +
        "to fetch it, or set LIBTORCH to a folder that holds libtorch's lib/ and include/",
    );
  }
  return describeLibtorch(root, 'cache', env);
}

const isSet = (value) => value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.toLowerCase());

/** Whether a folder holds a libtorch that can be built against and loaded. */
export function isLibtorch(root) {
  return existsSync(join(root, 'lib', 'libtorch_cpu.so')) && existsSync(join(root, 'include', 'ATen', 'ATen.h'));
}

/** Reads what a libtorch folder says of itself. */
export function describeLibtorch(root, source, env = process.env) {
  if (!isLibtorch(root)) {
    throw new LibtorchError(
      `${source === 'cache' ? root : `${source}: ${root}`} holds no lib/libtorch_cpu.so with include/ATen/ATen.h: ` +
        'expected an unpacked libtorch, or the torch folder of a Python that has PyTorch',
    );
  }
  const stated = readVersion(root);
  const cuda = existsSync(join(root, 'lib', 'libtorch_cuda.so')) ? (stated.cuda ?? 'unknown') : null;
  const nvidia = cuda ? findNvidia(root, cuda, env) : null;
  const include = [join(root, 'include'), join(root, 'include', 'torch', 'csrc', 'api', 'include')];
  if (nvidia) include.push(join(nvidia, 'include'));
  return { root, lib: join(root, 'lib'), include, version: stated.version, cuda, nvidia, source };
}

// A wheel says it in version.py, a libtorch archive in build-version, and every one in a header (without the +cpu).
function readVersion(root) {
  const python = readText(join(root, 'version.py'));
  const wheel = python?.match(/^__version__ = '([^']+)'/m)?.[1];
  if (wheel) return { version: wheel, cuda: python.match(/^cuda[^=]*= '([^']+)'/m)?.[1] };
  const version =
    readText(join(root, 'build-version'))?.trim() ??
    readText(join(root, 'include', 'torch', 'headeronly', 'version.h'))?.match(
      /TORCH_VERSION\s+\\?\s*"([^"]+)"/,
    )?.[1] ??
    readText(join(root, 'include', 'torch', 'csrc', 'api', 'include', 'torch', 'version.h'))?.match(
      /TORCH_VERSION\s+\\?\s*"([^"]+)"/,
    )?.[1] ??
    'unknown';
  const digits = version.match(/\+cu(\d+)(\d)$/);
  return { version, cuda: digits ? `${digits[1]}.${digits[2]}` : undefined };
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function findNvidia(root, cuda, env) {
  const stated = env.LIBTORCH_NVIDIA;
  if (stated) {
    if (existsSync(join(stated, 'include', 'cuda_runtime.h'))) return resolve(stated);
    throw new LibtorchError(
      `LIBTORCH_NVIDIA: ${stated} holds no include/cuda_runtime.h: expected the folder with NVIDIA's include/ and lib/`,
    );
  }
  const beside = resolve(root, '..', 'nvidia', `cu${cuda.split('.')[0]}`);
  return existsSync(join(beside, 'include', 'cuda_runtime.h')) ? beside : null;
}

// find_spec does not import torch, which would take seconds.
const WHERE_IS_TORCH =
  'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")';

function askPython(env) {
  const python = env.PYTHON || 'python3';
  let root;
  try {
    root = execFileSync(python, ['-c', WHERE_IS_TORCH], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch (error) {
    const what = error.code === 'ENOENT' ? 'was not found' : 'could not say where torch is';
    throw new LibtorchError(`LIBTORCH_USE_PYTORCH: ${python} ${what}: set PYTHON to the Python that has PyTorch`);
  }
  if (root) return root;
  throw new LibtorchError(
    `LIBTORCH_USE_PYTORCH: ${python} has no torch: install it there, or set PYTHON to the Python that has it`,
  );
}

/**
 * Says in words why an addon must not be loaded, or nothing when it may be: the libtorch it was built for has to be where it was, and
 * has to be the one that the environment names, where it names one.
 * @param {{libtorch: {root: string, version: string}}} buildInfo build-info.json
 * @returns {{code: string, message: string} | undefined}
 */
export function refusal(buildInfo, env = process.env) {
  const built = buildInfo.libtorch;
  const was = `the addon was built for libtorch ${built.version} in ${built.root}`;
  const rebuild = "run 'npx cumulens build' to build it anew";
  if (!isLibtorch(built.root)) return { code: 'ERR_LIBTORCH_NOT_FOUND', message: `${was}, which is gone: ${rebuild}` };
  const { version } = describeLibtorch(built.root, 'cache', {});
  if (version !== built.version)
    return { code: 'ERR_LIBTORCH_MISMATCH', message: `${was}, which now holds ${version}: ${rebuild}` };
  if (!env.LIBTORCH && !isSet(env.LIBTORCH_USE_PYTORCH)) return undefined;
  const stated = resolveLibtorch({ env });
  if (realpathSync(stated.root) === realpathSync(built.root)) return undefined;
  return {
    code: 'ERR_LIBTORCH_MISMATCH',
    message: `${was}, but ${stated.source} names ${stated.version} in ${stated.root}: ${rebuild}`,
  };
}
