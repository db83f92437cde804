// Builds binding.gyp with node-gyp in build-gyp/, so that CMake's build/ stays: node-gyp always works in build/ beside binding.gyp.
//   node scripts/node-gyp.mjs      then: CUMULENS_ADDON=build-gyp/build/Release/cumulens.node
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkCompiler } from './prerequisites.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'build-gyp');
const compiler = checkCompiler();
if (!compiler.ok) throw new Error(`${compiler.needed} is missing: ${compiler.fix}`);

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, CXX: compiler.command },
    stdio: ['ignore', 2, 2],
  });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

function nodeGyp(...args) {
  const script = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  // Headers that came with Node are used; otherwise node-gyp downloads them.
  const prefix = resolve(dirname(process.execPath), '..');
  const headers = existsSync(join(prefix, 'include', 'node', 'common.gypi')) ? [`--nodedir=${prefix}`] : [];
  run(process.execPath, [script, ...args, '--loglevel=warn', ...headers], folder);
}

// What the compiler is told, as node-gyp wrote it down for make.
function flags() {
  const makefile = readFileSync(join(folder, 'build', 'cumulens.target.mk'), 'utf8');
  return ['DEFS', 'CFLAGS', 'CFLAGS_CC', 'INCS'].flatMap((name) => {
    const list = makefile.match(new RegExp(`^${name}_Release := \\\\\\n((?:\\t.*\\n)*)`, 'm'))?.[1] ?? '';
    return list
      .split('\n')
      .map((line) =>
        line
          .replace(/\\$/, '')
          .trim()
          .replace(/^'(.*)'$/, '$1')
          .replace('$(srcdir)', '..'),
      )
      .filter(Boolean);
  });
}

// gcc takes pch.h.gch from its working folder in place of `-include pch.h`: libtorch's headers are read once, not for each file.
function precompileHeader() {
  const withoutInclude = flags().filter(
    (flag, i, all) => flag !== '-Werror' && flag !== '-include' && all[i - 1] !== '-include',
  );
  // -w: gcc calls `#pragma once` in a header that is compiled by itself a warning, and has no option for just that.
  run(
    compiler.command,
    [...withoutInclude, '-w', '-x', 'c++-header', '../native/pch.h', '-o', 'pch.h.gch'],
    join(folder, 'build'),
  );
}

mkdirSync(folder, { recursive: true });
for (const name of ['binding.gyp', 'native', 'scripts', 'package.json']) {
  if (!existsSync(join(folder, name))) symlinkSync(join('..', name), join(folder, name));
}
nodeGyp('configure');
precompileHeader();
nodeGyp('build', '--jobs', String(availableParallelism()));
