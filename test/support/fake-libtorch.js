// Folders and wheels that look like libtorch, so that tests of the set-up need no network and no gigabyte.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const temporaryFolder = () => realpathSync(mkdtempSync(join(tmpdir(), 'cumulens-test-')));

export function writeFiles(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const LIBTORCH = { 'lib/libtorch_cpu.so': 'library', 'include/ATen/ATen.h': '// header' };

export const versionPy = (version, cuda) =>
  `from typing import Optional\n__version__ = '${version}'\ndebug = False\ncuda: Optional[str] = ${cuda ? `'${cuda}'` : 'None'}\n`;

/** A folder as the torch folder of a wheel is; `files` are added to it. */
export function fakeLibtorch(folder, files = {}) {
  writeFiles(folder, { ...LIBTORCH, ...files });
  return folder;
}

const WRITE_WHEEL = `
import json, sys, zipfile
path, files = sys.argv[1], json.load(sys.stdin)
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
`;

/** A wheel that pip takes for torch 2.13.0+cpu on this machine. */
export function fakeWheel(folder, files) {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const path = join(folder, `torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_${machine}.whl`);
  const info = 'torch-2.13.0+cpu.dist-info';
  const all = {
    ...files,
    [`${info}/METADATA`]: 'Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+cpu\n',
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_${machine}\n`,
    [`${info}/RECORD`]: '',
  };
  mkdirSync(folder, { recursive: true });
  execFileSync('python3', ['-c', WRITE_WHEEL, path], { input: JSON.stringify(all) });
  return path;
}

/** The environment of a fetch that sees the wheels in `folder` and no index, and has a user cache of its own. */
export function fetchEnvironment(cache, folder) {
  const env = {
    ...process.env,
    XDG_CACHE_HOME: cache,
    PIP_CONFIG_FILE: '/dev/null',
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: folder,
  };
  for (const name of ['LIBTORCH', 'LIBTORCH_NVIDIA', 'LIBTORCH_USE_PYTORCH', 'PIP_CONSTRAINT', 'PIP_EXTRA_INDEX_URL'])
    delete env[name];
  return env;
}
