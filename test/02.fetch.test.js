import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { fetchLibtorch } from '../scripts/libtorch.mjs';
import { withLock } from '../scripts/lock.mjs';
import { fakeWheel, fetchEnvironment, temporaryFolder, versionPy, writeFiles } from './support/fake-libtorch.js';

const SCRIPT = fileURLToPath(new URL('../scripts/libtorch.mjs', import.meta.url));
const WHEEL = {
  'torch/version.py': versionPy('2.13.0+cpu'),
  'torch/__init__.py': 'raise ImportError',
  'torch/lib/libtorch_cpu.so': 'the library',
  'torch/lib/libtorch_python.so': 'bindings',
  'torch/include/ATen/ATen.h': '// header',
  'torch/share/cmake/Torch/TorchConfig.cmake': '',
  'torch/test/test_x.py': '',
  'torchgen/model.py': '',
};

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort();
}

async function failureOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

describe('Fetching libtorch', () => {
  let [folder, cache, store, env] = [];
  const log = () => {};
  beforeEach(() => {
    folder = temporaryFolder();
    cache = join(folder, 'cache', 'cumulens', 'libtorch');
    store = join(cache, '2.13.0-cpu');
    env = fetchEnvironment(join(folder, 'cache'), join(folder, 'wheels'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('unpacks what a C++ program needs, keeps the checksum, and leaves nothing else behind', async () => {
    const wheel = fakeWheel(join(folder, 'wheels'), WHEEL);
    const lines = [];
    const found = await fetchLibtorch({ env, log: (line) => lines.push(line) });
    expect(found).to.include({ root: join(store, 'torch'), version: '2.13.0+cpu', cuda: null, source: 'cache' });
    expect(filesOf(cache)).to.deep.equal(
      [
        'fetched.json',
        'torch/include/ATen/ATen.h',
        'torch/lib/libtorch_cpu.so',
        'torch/share/cmake/Torch/TorchConfig.cmake',
        'torch/version.py',
      ].map((name) => `2.13.0-cpu/${name}`),
    );
    expect(readFileSync(join(store, 'torch/lib/libtorch_cpu.so'), 'utf8')).to.equal('the library');
    const kept = JSON.parse(readFileSync(join(store, 'fetched.json'), 'utf8'));
    const sha256 = createHash('sha256').update(readFileSync(wheel)).digest('hex');
    expect(kept.wheels).to.have.length(1);
    expect(kept.wheels[0]).to.include({ sha256, file: wheel.split('/').at(-1) });
    expect(lines[0]).to.match(/^libtorch 2\.13\.0 \(cpu\): 192 MB to download, 520 MB unpacked, into .* free\)$/);
  });

  it('does nothing when it is there', async () => {
    fakeWheel(join(folder, 'wheels'), WHEEL);
    await fetchLibtorch({ env, log });
    const lines = [];
    await fetchLibtorch({ env: { ...env, PYTHON: join(folder, 'absent') }, log: (line) => lines.push(line) });
    expect(lines).to.deep.equal([]);
  });

  it('serves two processes at once', async () => {
    fakeWheel(join(folder, 'wheels'), WHEEL);
    const both = await Promise.all([1, 2].map(() => promisify(execFile)(process.execPath, [SCRIPT, 'fetch'], { env })));
    for (const { stdout } of both) expect(JSON.parse(stdout).root).to.equal(join(store, 'torch'));
    expect(readdirSync(cache)).to.deep.equal(['2.13.0-cpu']);
    const said = both.map(({ stderr }) => stderr).join('');
    expect(said.match(/^unpack torch/gm)).to.have.length(1);
  });

  it('starts clean after a fetch that was killed, and replaces a folder that holds no libtorch', async () => {
    fakeWheel(join(folder, 'wheels'), WHEEL);
    writeFiles(cache, {
      '2.13.0-cpu.partial-abc/wheels/torch.whl': 'half',
      '2.13.0-cpu/torch/include/ATen/ATen.h': 'damaged',
    });
    mkdirSync(`${store}.lock`);
    utimesSync(`${store}.lock`, 0, 0);
    await fetchLibtorch({ env, log });
    expect(readdirSync(cache)).to.deep.equal(['2.13.0-cpu']);
    expect(readFileSync(join(store, 'torch/include/ATen/ATen.h'), 'utf8')).to.equal('// header');
  });

  it("asks PyTorch's index alone for torch", async () => {
    fakeWheel(join(folder, 'wheels'), WHEEL);
    const [python, said] = [join(folder, 'python'), join(folder, 'arguments')];
    writeFiles(folder, { python: `#!/bin/sh\nprintf '%s\\n' "$@" >>'${said}'\nexec python3 "$@"\n` });
    chmodSync(python, 0o755);
    await fetchLibtorch({ env: { ...env, PYTHON: python }, log });
    const args = readFileSync(said, 'utf8').split('\n');
    expect(args).to.not.include('--extra-index-url');
    expect(args[args.indexOf('--index-url') + 1]).to.equal('https://download.pytorch.org/whl/cpu');
  });

  it("passes on pip's words when pip finds no wheel", async () => {
    mkdirSync(join(folder, 'wheels'));
    const error = await failureOf(fetchLibtorch({ env, log }));
    expect(error.code).to.equal('ERR_LIBTORCH_NOT_FOUND');
    expect(error.message).to.match(/^pip could not download torch==2\.13\.0\+cpu: .*No matching distribution found/s);
    expect(readdirSync(cache)).to.deep.equal([]);
  });

  it('refuses a wheel that holds no libtorch, one cut short, and one that writes outside of its folder', async () => {
    const attempts = [
      [() => fakeWheel(join(folder, 'wheels'), { 'torch/version.py': '' }), /held no torch\/lib\/libtorch_cpu\.so/],
      [() => truncateSync(fakeWheel(join(folder, 'wheels'), WHEEL), 300), /pip could not download .*wheel/is],
      [
        () => fakeWheel(join(folder, 'wheels'), { ...WHEEL, 'torch/lib/../../../../../evil.so': 'x' }),
        /outside of its folder/,
      ],
    ];
    for (const [make, message] of attempts) {
      make();
      expect((await failureOf(fetchLibtorch({ env, log }))).message).to.match(message);
      expect(filesOf(folder).filter((name) => !name.startsWith('wheels/'))).to.deep.equal([]);
    }
  });

  it('names Python and how to install it when it is missing', async () => {
    const error = await failureOf(fetchLibtorch({ env: { ...env, PYTHON: join(folder, 'absent') }, log }));
    expect(error.message).to.match(/^Python 3\.7 or newer with pip is needed to fetch libtorch: .*install/);
  });

  it('can be aborted', async () => {
    fakeWheel(join(folder, 'wheels'), WHEEL);
    await failureOf(fetchLibtorch({ env, log, signal: AbortSignal.abort() }));
    expect(filesOf(cache)).to.deep.equal([]);
  });
});

describe('The lock between processes', () => {
  let folder;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('runs one at a time, in either order, and is released when the work fails', async () => {
    const path = join(folder, 'lock');
    let [running, most, waits] = [0, 0, 0];
    const work = async () => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(path, work, { onWait: () => (waits += 1) })));
    expect({ most, waits }).to.deep.equal({ most: 1, waits: 2 });
    const failure = await failureOf(withLock(path, () => Promise.reject(new Error('no'))));
    expect(failure.message).to.equal('no');
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('takes over from a holder that died, and not from one that lives', async () => {
    const path = join(folder, 'lock');
    mkdirSync(path);
    let waited = false;
    const taken = withLock(path, () => Promise.resolve('mine'), { onWait: () => (waited = true) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(waited).to.equal(true);
    utimesSync(path, 0, 0);
    expect(await taken).to.equal('mine');
    expect(readdirSync(folder)).to.deep.equal([]);
  });
});
