// What has to be on a machine before cumulens can be built, and what to type where it is not.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { findPython } from './python.mjs';

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {boolean} ok
 * @property {string} needed what cumulens asks for
 * @property {string} found what is there, in words
 * @property {string} [command] how to call it
 * @property {string} [fix] what to do where it is missing
 */

const PACKAGES = {
  'apt-get': {
    install: 'apt-get install -y',
    compiler: 'g++',
    'newer compiler': 'g++-12',
    cmake: 'cmake',
    make: 'make',
    python: 'python3 python3-pip',
    linters: 'clang clang-format clang-tidy',
  },
  dnf: {
    install: 'dnf install -y',
    compiler: 'gcc-c++',
    'newer compiler': 'gcc-toolset-12',
    cmake: 'cmake',
    make: 'make',
    python: 'python3 python3-pip',
    linters: 'clang clang-tools-extra',
  },
  zypper: {
    install: 'zypper install -y',
    compiler: 'gcc-c++',
    'newer compiler': 'gcc12-c++',
    cmake: 'cmake',
    make: 'make',
    python: 'python3 python3-pip',
    linters: 'clang clang-tools-extra',
  },
  pacman: {
    install: 'pacman -S --needed',
    compiler: 'gcc',
    'newer compiler': 'gcc',
    cmake: 'cmake',
    make: 'make',
    python: 'python python-pip',
    linters: 'clang clang-tools-extra',
  },
};

/** The command that installs `what` on this machine. */
export function installCommand(what, env = process.env) {
  const manager = Object.keys(PACKAGES).find((name) => which(name, env)) ?? 'apt-get';
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `${sudo}${PACKAGES[manager].install} ${PACKAGES[manager][what]}`;
}

/** The full path of a program, or undefined. */
export function which(command, env = process.env) {
  const candidates = isAbsolute(command)
    ? [command]
    : (env.PATH ?? '').split(delimiter).map((folder) => join(folder || '.', command));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const atLeast = (version, minimum) => {
  const [a, b] = [version, minimum].map((text) => text.split('.').map(Number));
  for (let i = 0; i < b.length; i += 1) if ((a[i] ?? 0) !== b[i]) return (a[i] ?? 0) > b[i];
  return true;
};

function versionOf(command, args, pattern, env) {
  const { status, stdout } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 60_000 });
  return status === 0 ? stdout.match(pattern)?.[1] : undefined;
}

/** @returns {Check} */
export function checkNode(version = process.versions.node) {
  const ok = atLeast(version, '20.19');
  return {
    name: 'node',
    ok,
    needed: 'Node.js 20.19 or newer',
    found: version,
    command: process.execPath,
    fix: ok ? undefined : 'install a current Node.js (for example with nvm: nvm install 22)',
  };
}

/** @returns {Check} */
export function checkCompiler(env = process.env) {
  const needed = 'g++ 12 or newer';
  const candidates = env.CXX ? [env.CXX] : ['g++', 'c++', 'g++-15', 'g++-14', 'g++-13', 'g++-12'];
  let found = 'none';
  for (const command of candidates) {
    if (!which(command, env)) continue;
    const version = versionOf(command, ['-dumpfullversion', '-dumpversion'], /^(\d+(\.\d+)*)/, env);
    if (version && atLeast(version, '12'))
      return { name: 'compiler', ok: true, needed, found: `${command} ${version}`, command: which(command, env) };
    if (found === 'none' && version) found = `${command} ${version}`;
  }
  return {
    name: 'compiler',
    ok: false,
    needed,
    found,
    fix: installCommand(found === 'none' ? 'compiler' : 'newer compiler', env),
  };
}

/** @returns {Check} */
export function checkCmake(env = process.env) {
  const needed = 'CMake 3.22 or newer';
  const version = which('cmake', env) && versionOf('cmake', ['--version'], /version (\S+)/, env);
  const ok = version !== undefined && atLeast(version, '3.22');
  return {
    name: 'cmake',
    ok,
    needed,
    found: version ?? 'none',
    command: which('cmake', env),
    fix: ok ? undefined : installCommand('cmake', env),
  };
}

/** Ninja where it is there, else make. @returns {Check} */
export function checkMake(env = process.env) {
  const command = which('ninja', env) ?? which('make', env);
  return {
    name: 'make',
    ok: command !== undefined,
    needed: 'Ninja or make',
    found: command ?? 'none',
    command,
    fix: command ? undefined : installCommand('make', env),
  };
}

/** Needed to fetch libtorch; not with LIBTORCH. @returns {Check} */
export function checkPython(env = process.env) {
  const needed = 'Python 3.7 or newer with pip';
  const python = findPython(env);
  const ok = Boolean(python?.pip);
  const found = python ? `${python.command} ${python.version}, ${python.pip ? `pip ${python.pip}` : 'no pip'}` : 'none';
  return {
    name: 'python',
    ok,
    needed,
    found,
    command: python?.command,
    fix: ok ? undefined : installCommand('python', env),
  };
}

/** Needed for a CUDA build alone. @returns {Check} */
export function checkNvcc(env = process.env) {
  const needed = 'nvcc 13.0 or newer';
  const command = which(env.CUDACXX || 'nvcc', env);
  const version = command && versionOf(command, ['--version'], /release (\d+\.\d+)/, env);
  const ok = version !== undefined && atLeast(version, '13.0');
  return {
    name: 'nvcc',
    ok,
    needed,
    found: version ?? 'none',
    command,
    fix: ok ? undefined : "install NVIDIA's CUDA toolkit 13 and put its bin folder on the PATH",
  };
}

/** nvcc in the toolkit's own folder: one on the PATH may be a link or a script, and CMake looks for headers beside it. */
export function realNvcc(command, env = process.env) {
  const { stderr } = spawnSync(command, ['--dryrun', 'x.cu'], { env, encoding: 'utf8', timeout: 60_000 });
  const top = stderr?.match(/^#\$ TOP=(.+)$/m)?.[1];
  const real = top && join(top.trim(), 'bin', 'nvcc');
  return real && which(real, env) ? real : command;
}
