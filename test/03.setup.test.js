import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  checkCmake,
  checkCompiler,
  checkMake,
  checkNode,
  checkPython,
  installCommand,
} from '../scripts/prerequisites.mjs';
import { hashInputs, hasStamp, writeStamp } from '../scripts/stamp.mjs';
import { fakeLibtorch, temporaryFolder, versionPy, writeFiles } from './support/fake-libtorch.js';

const SETUP = fileURLToPath(new URL('../scripts/setup.mjs', import.meta.url));

describe('Prerequisites', () => {
  let [folder, bin] = [];
  beforeEach(() => {
    folder = temporaryFolder();
    bin = join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    for (const name of ['sh', 'env']) symlinkSync(`/bin/${name}`, join(bin, name));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const program = (name, script) =>
    writeFileSync(join(bin, name), `#!${join(bin, 'sh')}\n${script}\n`, { mode: 0o755 });

  it('are found where they are', () => {
    for (const check of [checkNode(), checkCompiler(), checkCmake(), checkMake(), checkPython()]) {
      expect(check.ok, check.name).to.equal(true);
      expect(check.fix, check.name).to.equal(undefined);
    }
    expect(checkCompiler().found).to.match(/^\S+ \d+\.\d+\.\d+$/);
  });

  it('are named with the command that installs them', () => {
    program('apt-get', '');
    const env = { PATH: bin };
    const sudo = process.getuid() === 0 ? '' : 'sudo ';
    expect(checkCompiler(env)).to.include({ ok: false, found: 'none', fix: `${sudo}apt-get install -y g++` });
    expect(checkCmake(env)).to.include({ ok: false, found: 'none', fix: `${sudo}apt-get install -y cmake` });
    expect(checkMake(env)).to.include({ ok: false, found: 'none', fix: `${sudo}apt-get install -y make` });
    expect(checkPython(env)).to.include({
      ok: false,
      found: 'none',
      fix: `${sudo}apt-get install -y python3 python3-pip`,
    });
    rmSync(join(bin, 'apt-get'));
    program('dnf', '');
    expect(installCommand('compiler', env)).to.equal(`${sudo}dnf install -y gcc-c++`);
  });

  it('are refused when they are too old, and a newer one beside is taken', () => {
    program('g++', 'echo 11.4.0');
    program('cmake', 'echo cmake version 3.18.4');
    program('python3', 'case "$1" in -c) echo 3.11.2;; *) exit 1;; esac');
    const env = { PATH: bin };
    expect(checkCompiler(env)).to.include({ ok: false, found: 'g++ 11.4.0' });
    expect(checkCompiler(env).fix).to.match(/g\+\+-12$/);
    expect(checkCmake(env)).to.include({ ok: false, found: '3.18.4' });
    expect(checkPython(env)).to.include({ ok: false, found: 'python3 3.11.2, no pip' });
    program('g++-12', 'echo 12.3.0');
    expect(checkCompiler(env)).to.include({ ok: true, found: 'g++-12 12.3.0', command: join(bin, 'g++-12') });
    expect(checkNode('20.18.3')).to.include({ ok: false });
    expect(checkNode('22.1.0')).to.include({ ok: true });
  });

  it('are all named at once by the set-up, before it does anything', () => {
    program('apt-get', '');
    const run = (env) =>
      spawnSync(process.execPath, [SETUP, '--out', join(folder, 'build')], {
        env: { PATH: bin, HOME: folder, ...env },
        encoding: 'utf8',
      });
    const bare = run({});
    expect(bare.status).to.equal(1);
    expect(bare.stdout).to.equal('');
    expect(bare.stderr).to.match(
      /missing on this machine:\n {2}Python 3\.7 or newer with pip \(found: none\); to install it: .*python3-pip\n {2}g\+\+ 12/,
    );
    expect(bare.stderr).to.match(/CMake 3\.22 .*install -y cmake\n {2}Ninja or make .*install -y make\n$/);
    expect(bare.stderr).not.to.match(/\[1\/4\]|at .*\.mjs/);
    const stated = run({ LIBTORCH: fakeLibtorch(join(folder, 'torch'), { 'version.py': versionPy('2.13.0+cpu') }) });
    expect(stated.stderr)
      .to.match(/g\+\+ 12/)
      .and.not.match(/Python/);
  });

  it('are looked at only when the options make sense', () => {
    const wrong = spawnSync(process.execPath, [SETUP, '--fast'], { encoding: 'utf8' });
    expect(wrong.status).to.equal(2);
    expect(wrong.stderr).to.match(/^cumulens set-up: Unknown option '--fast'/);
  });
});

describe('A stamp', () => {
  let folder;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('changes with any file, name or value it is made of, and with nothing else', () => {
    const hash = (...values) => hashInputs(folder, ['src', 'absent', 'one.txt'], ...values);
    writeFiles(folder, { 'src/a.cpp': 'a', 'src/deep/b.cpp': 'b', 'one.txt': '1', 'other.txt': '2' });
    const first = hash('x');
    expect(hash('x')).to.equal(first);
    writeFiles(folder, { 'other.txt': '3' });
    expect(hash('x')).to.equal(first);
    const seen = new Set([first, hash('y'), hash('x', 'y')]);
    for (const files of [{ 'src/deep/b.cpp': 'c' }, { 'src/deep/c.cpp': '' }, { 'one.txt': '' }]) {
      writeFiles(folder, files);
      seen.add(hash('x'));
    }
    expect(seen.size).to.equal(6);
  });

  it('holds only for the hash it was written with', () => {
    const file = join(folder, 'build', '.stamp');
    expect(hasStamp(file, 'a')).to.equal(false);
    writeStamp(file, 'a');
    expect([hasStamp(file, 'a'), hasStamp(file, 'b')]).to.deep.equal([true, false]);
  });
});
