// All linters, one after another; the first that complains ends it.
//   node scripts/lint.mjs          checks
//   node scripts/lint.mjs --fix    formats and fixes what can be fixed (clang-tidy not run)
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installCommand, which } from './prerequisites.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const fix = process.argv.includes('--fix');

function run(command, ...args) {
  console.error(`lint: ${command.split('/').at(-1)} ${args.slice(0, 3).join(' ')}`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function filesOf(...patterns) {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], {
    cwd: root,
    encoding: 'utf8',
  });
  return stdout.split('\n').filter(Boolean);
}

for (const tool of ['clang-format', 'clang-tidy']) {
  if (which(tool)) continue;
  console.error(`lint: ${tool} is missing: ${installCommand('linters')}`);
  process.exit(1);
}
const node = (script, ...args) => run(process.execPath, `node_modules/${script}`, ...args);
run(process.execPath, 'scripts/setup.mjs');
node('prettier/bin/prettier.cjs', fix ? '--write' : '--check', '--log-level=warn', '.');
node('eslint/bin/eslint.js', ...(fix ? ['--fix'] : []), '.');
run(
  'clang-format',
  ...(fix ? ['-i'] : ['--dry-run', '-Werror']),
  ...filesOf('native/*.h', 'native/*.cpp', 'native/*.cu'),
);
if (!fix) run(process.execPath, 'scripts/tidy.mjs');
