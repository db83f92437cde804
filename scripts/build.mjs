// The steps from a clone to a program that runs: node packages, libtorch, addon, TypeScript. Each looks whether it is done.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchLibtorch } from './libtorch/fetch.mjs';
import { checkVariant, LibtorchError, resolveLibtorch, selectedVariant } from './libtorch/resolve.mjs';
import { withLock } from './lock.mjs';
import { checkCmake, checkCompiler, checkMake, checkNvcc, checkPython, realNvcc } from './prerequisites.mjs';
import { formatDuration } from './progress.mjs';
import { hashInputs, hasStamp, writeStamp } from './stamp.mjs';

/** The folder of package.json. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

// The largest translation unit takes about this much memory to compile.
const BYTES_PER_COMPILER = 2e9;

/** What stops a set-up, in words that need no stack trace. */
export class SetupError extends Error {
  name = 'SetupError';
  code = 'ERR_BUILD';
}

/**
 * @typedef {object} BuildOptions
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [variant] the libtorch to take from the cache: cpu or cu130
 * @property {string} [out] the build folder, `build` by default
 * @property {boolean} [force] build even if nothing changed
 * @property {(line: string) => void} [log]
 * @property {AbortSignal} [signal]
 */

/** Everything, for a clone of the repository. @param {BuildOptions} options */
export async function setUp(options = {}) {
  const steps = [
    ['node packages', installPackages],
    ['libtorch', ensureLibtorch],
    ['addon', compileAddon],
    ['TypeScript', compileTypeScript],
  ];
  await runSteps(steps, options);
}

/** libtorch and the addon: what an installed package still needs. @param {BuildOptions} options */
export async function buildAddon(options = {}) {
  await runSteps(
    [
      ['libtorch', ensureLibtorch],
      ['addon', compileAddon],
    ],
    options,
  );
}

async function runSteps(steps, options) {
  const log = options.log ?? ((line) => console.error(line));
  const context = { env: process.env, out: 'build', ...options, log };
  const onWait = () => log('another set-up is running here: waiting for it');
  await withLock(
    join(ROOT, '.setup.lock'),
    async () => {
      reportMissing(context);
      for (const [index, [name, step]] of steps.entries()) {
        const started = Date.now();
        const say = (text) => log(`[${index + 1}/${steps.length}] ${name}: ${text}`);
        const what = await step({ ...context, say });
        if (what) say(`${what} (${formatDuration((Date.now() - started) / 1000)})`);
      }
    },
    { onWait, signal: options.signal },
  );
}

// All that is missing is named at once, before minutes are spent.
function reportMissing({ env, out, variant, force }) {
  const checks = [];
  const libtorch = findLibtorch(env, variant);
  if (!libtorch) checks.push(checkPython(env));
  if (!libtorch || force || !isCurrent(out, addonHash(libtorch, env)))
    checks.push(checkCompiler(env), checkCmake(env), checkMake(env));
  if (libtorch?.cuda) checks.push(checkNvcc(env));
  const missing = checks.filter((check) => !check.ok);
  if (missing.length === 0) return;
  const lines = missing.map(({ needed, found, fix }) => `  ${needed} (found: ${found}); to install it: ${fix}`);
  throw new SetupError(`missing on this machine:\n${lines.join('\n')}`);
}

function findLibtorch(env, variant) {
  try {
    return resolveLibtorch({ env, variant });
  } catch (error) {
    if (error instanceof LibtorchError && !env.LIBTORCH && !env.LIBTORCH_USE_PYTORCH) return undefined;
    throw error;
  }
}

async function installPackages({ env, say, signal }) {
  if (packagesAreInstalled()) return say('installed');
  say('npm ci');
  const npm = env.npm_execpath ? [process.execPath, env.npm_execpath] : ['npm'];
  await run([...npm, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { env, signal });
  return 'installed';
}

// npm writes what it installed into a lockfile of its own; packages for other platforms are not in it.
function packagesAreInstalled() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages ?? {};
  const installed = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

async function ensureLibtorch({ env, variant, log, say, signal }) {
  let libtorch = findLibtorch(env, variant);
  if (!libtorch) {
    libtorch = await fetchLibtorch({ variant: checkVariant(variant ?? selectedVariant(env)), env, log, signal });
  }
  say(`${libtorch.version} in ${libtorch.root}`);
}

/** The hash of all that an addon is made of. */
function addonHash(libtorch, env) {
  const { root, version, nvidia } = libtorch;
  const inputs = ['native', 'CMakeLists.txt', 'package.json', 'scripts/build-info.mjs'];
  return hashInputs(ROOT, inputs, { root, version, nvidia, compiler: env.CXX ?? 'found', node: process.arch });
}

function isCurrent(out, hash) {
  const folder = resolve(ROOT, out);
  return hasStamp(join(folder, '.stamp'), hash) && existsSync(join(folder, 'Release', 'cumulens.node'));
}

async function compileAddon({ env, variant, out, force, say, signal }) {
  const libtorch = resolveLibtorch({ env, variant });
  const hash = addonHash(libtorch, env);
  if (!force && isCurrent(out, hash)) return say('up to date');
  const folder = resolve(ROOT, out);
  rmSync(join(folder, '.stamp'), { force: true });
  say(`compiling for libtorch ${libtorch.version}${libtorch.cuda ? ` with CUDA ${libtorch.cuda}` : ''} into ${folder}`);
  const cmakeJs = [process.execPath, createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js')];
  const common = ['--directory', ROOT, '--out', folder, '--log-level', 'warn'];
  await run([...cmakeJs, 'configure', ...common, ...cmakeOptions(libtorch, env)], { env, signal });
  await run([...cmakeJs, 'build', ...common, '--parallel', String(jobs())], { env, signal });
  writeStamp(join(folder, '.stamp'), hash);
  return 'compiled';
}

function cmakeOptions(libtorch, env) {
  const options = [`--CDLIBTORCH_ROOT=${libtorch.root}`, `--CDLIBTORCH_NVIDIA=${libtorch.nvidia ?? ''}`];
  options.push(`--CDCMAKE_CXX_COMPILER=${checkCompiler(env).command}`, `--CDCUMULENS_NODE=${process.execPath}`);
  if (libtorch.cuda) options.push(`--CDCMAKE_CUDA_COMPILER=${realNvcc(checkNvcc(env).command, env)}`);
  if (basename(checkMake(env).command) === 'make') options.push('--prefer-make');
  return options;
}

function jobs() {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_COMPILER)));
}

async function compileTypeScript({ env, force, say, signal }) {
  const stamp = join(ROOT, 'dist', '.stamp');
  const hash = hashInputs(ROOT, [
    'src',
    'tsconfig.json',
    'package-lock.json',
    'scripts/progress.d.mts',
    'scripts/libtorch.d.mts',
  ]);
  if (!force && hasStamp(stamp, hash)) return say('up to date');
  // What a deleted or renamed source left behind must not be found by an import.
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  await run(
    [process.execPath, join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(ROOT, 'tsconfig.json')],
    { env, signal },
  );
  // tsc writes plain files; npm makes a command executable only if it is there when npm installs, which in a clone it is not.
  chmodSync(join(ROOT, 'dist', 'cli', 'main.js'), 0o755);
  writeStamp(stamp, hash);
  return 'compiled';
}

// A program's output goes to our stderr: stdout belongs to what runs after the set-up.
function run([command, ...args], { env, signal }) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd: ROOT, env, signal, stdio: ['ignore', 2, 2] });
    child.on('error', failed);
    child.on('close', (code, killedBy) => {
      const name = args.find((arg) => !arg.startsWith('-')) ?? '';
      if (code === 0) done();
      else
        failed(
          new SetupError(
            `'${basename(command)} ${basename(name)}' ended with ${killedBy ?? `exit code ${code}`}: see its output above`,
          ),
        );
    });
  });
}
