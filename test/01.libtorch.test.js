import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  cacheRoot,
  cachedRoot,
  refusal,
  resolveLibtorch,
  selectedVariant,
  selectVariant,
} from '../scripts/libtorch.mjs';
import { fakeLibtorch, temporaryFolder, versionPy, writeFiles } from './support/fake-libtorch.js';

describe('The libtorch resolver', () => {
  let folder;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => rmSync(folder, { recursive: true }));
  const environment = (more = {}) => ({ PATH: process.env.PATH, HOME: folder, ...more });

  it('looks in the user cache under XDG_CACHE_HOME, and under ~/.cache without it or where it is relative', () => {
    expect(cacheRoot({ HOME: '/home/a', XDG_CACHE_HOME: '/x' })).to.equal('/x/cumulens/libtorch');
    expect(cacheRoot({ HOME: '/home/a' })).to.equal('/home/a/.cache/cumulens/libtorch');
    expect(cacheRoot({ HOME: '/home/a', XDG_CACHE_HOME: 'x' })).to.equal('/home/a/.cache/cumulens/libtorch');
  });

  it('takes LIBTORCH first, then LIBTORCH_USE_PYTORCH, then the cache', () => {
    const stated = fakeLibtorch(join(folder, 'stated'), { 'version.py': versionPy('2.13.0+cpu') });
    const inPython = fakeLibtorch(join(folder, 'python', 'torch'), { 'version.py': versionPy('2.12.0+cpu') });
    const python = join(folder, 'python3');
    writeFileSync(python, `#!/bin/sh\necho ${inPython}\n`);
    chmodSync(python, 0o755);
    const env = environment({ LIBTORCH: stated, LIBTORCH_USE_PYTORCH: '1', PYTHON: python });
    const cached = fakeLibtorch(cachedRoot('cpu', env), { 'version.py': versionPy('2.13.0+cpu') });

    expect(resolveLibtorch({ env })).to.deep.equal({
      root: stated,
      lib: join(stated, 'lib'),
      include: [join(stated, 'include'), join(stated, 'include/torch/csrc/api/include')],
      version: '2.13.0+cpu',
      cuda: null,
      nvidia: null,
      source: 'LIBTORCH',
    });
    delete env.LIBTORCH;
    expect(resolveLibtorch({ env })).to.include({
      root: inPython,
      version: '2.12.0+cpu',
      source: 'LIBTORCH_USE_PYTORCH',
    });
    env.LIBTORCH_USE_PYTORCH = '0';
    expect(resolveLibtorch({ env })).to.include({ root: cached, source: 'cache' });
  });

  it('says what to do when there is none', () => {
    const env = environment();
    expect(() => resolveLibtorch({ env }))
      .to.throw(/2\.13\.0 \(cpu\) is not in .*run 'npx cumulens libtorch --variant cpu'/)
      .with.property('code', 'ERR_LIBTORCH_NOT_FOUND');
    expect(() => resolveLibtorch({ env: { ...env, LIBTORCH: folder } })).to.throw(
      `LIBTORCH: ${folder} holds no lib/libtorch_cpu.so`,
    );
    const noPython = { ...env, LIBTORCH_USE_PYTORCH: '1', PYTHON: join(folder, 'absent') };
    expect(() => resolveLibtorch({ env: noPython })).to.throw(/absent was not found: set PYTHON/);
  });

  it('says that a Python has no torch', () => {
    const python = join(folder, 'python3');
    writeFileSync(python, '#!/bin/sh\necho\n');
    chmodSync(python, 0o755);
    const env = environment({ LIBTORCH_USE_PYTORCH: '1', PYTHON: python });
    expect(() => resolveLibtorch({ env })).to.throw(`${python} has no torch`);
  });

  it('reads the version from a wheel, from an archive and from the header', () => {
    const versionOf = (name, files) =>
      resolveLibtorch({ env: environment({ LIBTORCH: fakeLibtorch(join(folder, name), files) }) }).version;
    expect(versionOf('wheel', { 'version.py': versionPy('2.13.0+cpu'), 'build-version': '1.0' })).to.equal(
      '2.13.0+cpu',
    );
    expect(versionOf('archive', { 'build-version': '2.13.0+cpu\n' })).to.equal('2.13.0+cpu');
    expect(
      versionOf('header', { 'include/torch/headeronly/version.h': '#define TORCH_VERSION \\\n  "2.13.0"\n' }),
    ).to.equal('2.13.0');
    expect(versionOf('silent', {})).to.equal('unknown');
  });

  it('knows a CUDA libtorch, and NVIDIA beside it or where LIBTORCH_NVIDIA says', () => {
    const files = { 'version.py': versionPy('2.14.1+cu130', '13.0'), 'lib/libtorch_cuda.so': '' };
    const root = fakeLibtorch(join(folder, 'site', 'torch'), files);
    const env = environment({ LIBTORCH: root });
    expect(resolveLibtorch({ env })).to.include({ cuda: '13.0', nvidia: null });
    const beside = join(folder, 'site', 'nvidia', 'cu13');
    writeFiles(beside, { 'include/cuda_runtime.h': '' });
    const found = resolveLibtorch({ env });
    expect(found.nvidia).to.equal(beside);
    expect(found.include.at(-1)).to.equal(join(beside, 'include'));
    expect(() => resolveLibtorch({ env: { ...env, LIBTORCH_NVIDIA: folder } })).to.throw(
      `LIBTORCH_NVIDIA: ${folder} holds no include/cuda_runtime.h`,
    );
    const archive = fakeLibtorch(join(folder, 'archive'), {
      'build-version': '2.14.1+cu130',
      'lib/libtorch_cuda.so': '',
    });
    expect(resolveLibtorch({ env: environment({ LIBTORCH: archive }) }).cuda).to.equal('13.0');
  });

  it('takes the variant that was selected last, cpu before any was', () => {
    const env = environment();
    expect(selectedVariant(env)).to.equal('cpu');
    const cuda = fakeLibtorch(cachedRoot('cu130', env), { 'version.py': versionPy('2.14.1+cu130', '13.0') });
    selectVariant('cu130', env);
    expect(selectedVariant(env)).to.equal('cu130');
    expect(resolveLibtorch({ env }).root).to.equal(cuda);
    expect(() => resolveLibtorch({ env, variant: 'cpu' })).to.throw('2.13.0 (cpu) is not in');
    expect(() => selectVariant('cuda', env)).to.throw("unknown libtorch variant 'cuda': expected one of cpu, cu130");
  });

  it('refuses an addon whose libtorch is gone, was replaced, or is not the one that is named', () => {
    const root = fakeLibtorch(join(folder, 'built'), { 'version.py': versionPy('2.13.0+cpu') });
    const other = fakeLibtorch(join(folder, 'other'), { 'version.py': versionPy('2.14.1+cpu') });
    const built = { libtorch: { root, version: '2.13.0+cpu' } };
    expect(refusal(built, environment())).to.equal(undefined);
    expect(refusal(built, environment({ LIBTORCH: root }))).to.equal(undefined);

    const named = refusal(built, environment({ LIBTORCH: other }));
    expect(named.code).to.equal('ERR_LIBTORCH_MISMATCH');
    expect(named.message).to.equal(
      `the addon was built for libtorch 2.13.0+cpu in ${root}, but LIBTORCH names 2.14.1+cpu in ${other}: run 'npx cumulens build' to build it anew`,
    );
    writeFileSync(join(root, 'version.py'), versionPy('2.13.1+cpu'));
    expect(refusal(built, environment()))
      .to.include({ code: 'ERR_LIBTORCH_MISMATCH' })
      .and.property('message')
      .match(/which now holds 2\.13\.1\+cpu/);
    rmSync(root, { recursive: true });
    expect(refusal(built, environment()))
      .to.include({ code: 'ERR_LIBTORCH_NOT_FOUND' })
      .and.property('message')
      .match(/which is gone/);
  });
});
