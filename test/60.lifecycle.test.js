import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { memory, Tensor } from '../dist/index.js';
import { temporaryFolder } from './support/fake-libtorch.js';
import { disposeAll, smallCnn, someImages } from './support/small-cnn.js';

const pathOf = (name) => fileURLToPath(new URL(`support/lifecycle/${name}`, import.meta.url));
const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const WORKER = new URL('support/lifecycle/worker.js', import.meta.url);

/** Runs a script in a process of its own; a crash shows as a signal. */
async function runProcess(...args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
}

describe('Threads', () => {
  it('share the loops of the addon as those of libtorch, in one pool', () => {
    const mapped = readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .map((line) => line.slice(line.indexOf('/')));
    const files = (part) => [...new Set(mapped.filter((path) => path.includes(part)))];
    const [addon, ...others] = files('cumulens.node');
    expect(others).to.deep.equal([]);
    // Without OpenMP the compiler makes plain loops of ATen's parallel ones, and says nothing.
    expect(readFileSync(addon).includes('GOMP_parallel'), addon).to.equal(true);
    expect(files('libgomp')).to.have.length(1);
  });
});

describe('Several environments in one process', () => {
  it('explain the same in workers, several at once, as on the main thread', async () => {
    const cnn = await smallCnn();
    const { cumulative } = await cnn.explain(someImages(4));
    const expected = await cumulative.data();
    const workers = Array.from({ length: 3 }, () => new Worker(WORKER, { workerData: {} }));
    const results = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(expected.some((value) => value > 0)).to.equal(true);
    for (const result of results) expect(result).to.deep.equal(expected);
  });

  it('outlive a worker that is terminated in mid-work', async () => {
    const worker = new Worker(WORKER, { workerData: { forever: true } });
    await once(worker, 'message');
    await worker.terminate();
    const cnn = await smallCnn();
    const { predicted } = await cnn.explain(someImages(2));
    expect(predicted).to.have.length(2);
  });
});

describe('A process that ends in mid-work', () => {
  const ends = {
    exit: { code: 7, signal: null },
    generator: { code: 7, signal: null },
    throw: { code: 1, signal: null },
    dispose: { code: 0, signal: null },
    abandon: { code: 0, signal: null },
    terminate: { code: 0, signal: null },
  };
  for (const [way, expected] of Object.entries(ends)) {
    it(`neither crashes nor hangs: ${way}`, async () => {
      const { code, signal, stdout, stderr } = await runProcess(pathOf('exit.js'), way);
      expect({ code, signal }, stderr).to.deep.equal(expected);
      if (way === 'terminate') expect(stdout).to.equal('still works\n');
      if (way === 'throw') expect(stderr).to.match(/thrown in mid-work/);
    });
  }
});

describe('cumulens, interrupted', () => {
  it('ends with 130, says so, and leaves no half-written data', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'data');
    const args = [CLI, 'data', 'composed', '--out', out, '--train', '200000', '--test', '10', '--json'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    // It is at work once it has made the folder or one beside it.
    while (readdirSync(folder).length === 0 && child.exitCode === null) await setTimeout(20);
    child.kill('SIGINT');
    const [code, signal] = await once(child, 'close');
    expect({ code, signal }, stderr).to.deep.equal({ code: 130, signal: null });
    expect(stderr).to.match(/interrupted: ending after the step under way/);
    expect(JSON.parse(stdout).error.code).to.equal('ERR_ABORTED');
    expect(existsSync(join(out, 'dataset.json'))).to.equal(false);
    rmSync(folder, { recursive: true });
  });
});

describe('Memory', () => {
  it('is resident within 20 MB of the 50th call after 500', async () => {
    const { code, stdout, stderr } = await runProcess('--expose-gc', pathOf('memory.js'));
    expect(code, stderr).to.equal(0);
    const { rss, before, after } = JSON.parse(stdout);
    expect(rss[500] - rss[50]).to.be.below(20e6);
    expect(after).to.equal(before);
  });

  it('is counted: disposed tensors are gone at once', async () => {
    const cnn = await smallCnn();
    const images = someImages(2);
    const before = memory();
    const result = await cnn.explain(images);
    expect(memory().tensors).to.be.above(before.tensors);
    expect(memory().bytes).to.be.above(before.bytes);
    disposeAll(result);
    expect(memory()).to.deep.equal(before);
  });

  describe('of tensors of 48 MB', () => {
    const pixels = new Float32Array(12e6);
    const make = () => Tensor.from(pixels, [pixels.length]);

    it('starts no collection when it was given back and is asked for again', async () => {
      let collections = 0;
      const observer = new PerformanceObserver((list) => {
        collections += list
          .getEntries()
          .filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR).length;
      });
      for (let call = 0; call < 20; call++) {
        const tensors = [make(), make()];
        await setTimeout(20); // for the collection that the first call may start
        if (call === 1) observer.observe({ entryTypes: ['gc'] });
        tensors.forEach((tensor) => tensor.dispose());
      }
      await setTimeout(20);
      observer.disconnect();
      expect(collections).to.be.below(4);
    });

    it('is collected before it is a gigabyte where nobody disposes of them', async () => {
      const before = memory().bytes;
      let most = 0;
      for (let call = 0; call < 60; call++) {
        make();
        await setTimeout(5);
        most = Math.max(most, memory().bytes - before);
      }
      expect(most).to.be.below(1e9);
    });
  });
});
