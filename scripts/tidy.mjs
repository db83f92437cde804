// Runs clang-tidy on the addon's sources, a unit a folder: each check walks all of libtorch's headers in every unit. It takes the flags of
// CMake's build, with a precompiled header of clang's own in the place of gcc's: libtorch's headers are then read once.
//   node scripts/tidy.mjs [FILE …]      after a build; of files that are named, each by itself
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sources, writeUnits } from './units.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'build-tidy');
const header = join(root, 'native', 'pch.h');
const precompiled = join(folder, 'pch.pch');

// "clang-tidy version 14.0.6" → the clang++ of the same release, which alone writes a header it can read.
function clangOf() {
  const { stdout, error } = spawnSync('clang-tidy', ['--version'], { encoding: 'utf8' });
  if (error) throw new Error('clang-tidy is not installed: apt-get install clang clang-tidy');
  const major = stdout.match(/version (\d+)/)[1];
  return [`clang++-${major}`, 'clang++'].find((name) => spawnSync(name, ['--version']).status === 0);
}

// The flags both compilers know; what CMake added for gcc's precompiled header goes, and OpenMP, whose header clang has none of by itself.
function flagsOf(entry) {
  const words = entry.command.match(/"[^"]*"|\S+/g).map((word) => word.replaceAll('"', ''));
  const kept = [];
  for (let i = 1; i < words.length; i += 1) {
    if (['-include', '-o', '-c'].includes(words[i])) i += 1;
    else if (!['-Winvalid-pch', '-fopenmp'].includes(words[i])) kept.push(words[i]);
  }
  return kept.filter((word) => word !== entry.file);
}

function precompile(clang, flags) {
  const isNewer = existsSync(precompiled) && statSync(precompiled).mtimeMs > statSync(header).mtimeMs;
  if (isNewer) return;
  const args = [...flags, '-w', '-x', 'c++-header', header, '-o', precompiled];
  if (spawnSync(clang, args, { stdio: 'inherit' }).status !== 0)
    throw new Error(`${clang} could not compile ${header}`);
}

mkdirSync(folder, { recursive: true });
const commands = JSON.parse(readFileSync(join(root, 'build', 'compile_commands.json'), 'utf8'));
const flags = flagsOf(
  commands.find(({ command }) => command.includes('-Winvalid-pch') && !command.includes('c++-header')),
);
const clang = clangOf();
precompile(clang, flags);
const named = process.argv.slice(2);
const files =
  named.length > 0 ? sources().map((path) => join(root, 'native', path)) : writeUnits(join(folder, 'units'));
const entries = files.map((file) => ({
  directory: root,
  file,
  arguments: [clang, '-include-pch', precompiled, ...flags, '-c', file],
}));
writeFileSync(join(folder, 'compile_commands.json'), JSON.stringify(entries, null, 1));
const args = ['-quiet', '-p', folder, '-j', String(availableParallelism()), ...named];
const { status } = spawnSync('run-clang-tidy', args, { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
