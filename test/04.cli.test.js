import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Command } from 'commander';
import { Progress, formatBytes, formatDuration } from '../scripts/progress.mjs';
import { addCommand, onRun } from '../dist/cli/command.js';
import { integer, number } from '../dist/cli/options.js';
import { Program } from '../dist/cli/program.js';
import { CumulensError } from '../dist/errors.js';

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const cumulens = (...args) => spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });

/** Runs a program that has one command, `work`, made by `action`. */
async function runWork(action, args = [], act = () => {}) {
  const written = { stdout: '', stderr: '' };
  const stream = (name) => ({ write: (text) => (written[name] += text) });
  const register = (program) => onRun(addCommand(program, 'work', 'does it', { device: true, seed: true }), action);
  const program = new Program({ stdout: stream('stdout'), stderr: stream('stderr') }, [register]);
  const running = program.run(['work', ...args]);
  act(program);
  return { code: await running, ...written };
}

describe('The command line', () => {
  it('writes its version and its help, and ends with 0', () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(cumulens('--version')).to.include({ status: 0, stdout: `${version}\n` });
    const help = cumulens('--help');
    expect(help.status).to.equal(0);
    for (const name of ['doctor', 'build', 'libtorch']) expect(help.stdout).to.match(new RegExp(`^ {2}${name} `, 'm'));
  });

  it('runs in a clone as the README has it: npx cumulens', () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const { status, stdout, stderr } = spawnSync('npx', ['cumulens', '--version'], { cwd, encoding: 'utf8' });
    expect(status, stderr).to.equal(0);
    expect(stdout).to.equal(`${version}\n`);
  });

  it('ends bad usage with 2 and says what was meant', () => {
    const wrong = [
      [['docter'], /unknown command 'docter'\n\(Did you mean doctor\?\)/],
      [['doctor', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
      [['libtorch', '--variant', 'gpu'], /'gpu' is invalid\. Allowed choices are cpu, cu130\./],
    ];
    for (const [args, message] of wrong) {
      const { status, stdout, stderr } = cumulens(...args);
      expect(status, args.join(' ')).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.match(message);
    }
  });

  it('gives an action its options, and writes what it returns as one JSON document', async () => {
    const action = ({ print, log, json }, options) => {
      print('for a person');
      log('about the work');
      return Promise.resolve({ json, ...options });
    };
    const plain = await runWork(action, ['--seed', '7']);
    expect(plain).to.deep.equal({ code: 0, stdout: 'for a person\n', stderr: 'about the work\n' });
    const json = await runWork(action, ['--json', '--device', 'cuda:1']);
    expect(json.stderr).to.equal('about the work\n');
    expect(JSON.parse(json.stdout)).to.deep.equal({ json: true, device: 'cuda:1', seed: 0 });
  });

  it('tells failures apart: 1 for a failure, 2 for a bad option, 1 for a result that fails', async () => {
    const failing = (error) => () => Promise.reject(error);
    const io = await runWork(failing(new CumulensError('ERR_IO', 'a.png: cannot be read')), ['--json']);
    expect(io).to.include({ code: 1, stderr: 'cumulens: a.png: cannot be read\n' });
    expect(JSON.parse(io.stdout)).to.deep.equal({ error: { code: 'ERR_IO', message: 'a.png: cannot be read' } });
    expect((await runWork(failing(new CumulensError('ERR_OPTION', 'size: expected 8')))).code).to.equal(2);
    const fault = await runWork(failing(new TypeError('x is not a function')));
    expect(fault.code).to.equal(1);
    expect(fault.stderr).to.match(/^cumulens: TypeError: x is not a function\n\s+at /);
    const result = await runWork(({ fail }) => (fail(), Promise.resolve({ ok: false })), ['--json']);
    expect([result.code, result.stdout]).to.deep.equal([1, '{\n  "ok": false\n}\n']);
  });

  it('checks --device and --seed', async () => {
    const unreached = () => Promise.reject(new Error('reached'));
    for (const args of [
      ['--device', 'gpu'],
      ['--device', 'cuda:'],
      ['--seed', '-1'],
      ['--seed', '1.5'],
      ['--seed', ''],
    ]) {
      const { code, stderr } = await runWork(unreached, args);
      expect(code, args.join(' ')).to.equal(2);
      expect(stderr).to.match(/is invalid\. Expected (auto, cpu, cuda or cuda:N|a whole number of at least 0)\./);
    }
  });

  it('aborts the signal when interrupted, lets the command save, and ends with 130', async () => {
    let saved = false;
    const { code, stderr } = await runWork(
      async ({ signal }) => {
        await once(signal, 'abort');
        saved = true;
        throw new CumulensError('ERR_ABORTED', 'the operation was aborted');
      },
      [],
      (program) => setTimeout(() => program.interrupt(), 10),
    );
    expect({ code, saved }).to.deep.equal({ code: 130, saved: true });
    expect(stderr)
      .to.match(/^\ninterrupted: /)
      .and.not.match(/aborted/);
  });

  it('parses numbers within bounds', () => {
    expect(integer(1, 8)('8')).to.equal(8);
    expect(number(0, 1)('1e-3')).to.equal(0.001);
    expect(() => integer(1, 8)('9')).to.throw('Expected a whole number from 1 to 8.');
    expect(() => integer(0)('0x10')).to.throw('Expected a whole number of at least 0.');
    expect(() => number(0, 1)('')).to.throw('Expected a number from 0 to 1.');
    expect(() => number()('NaN')).to.throw('Expected a number.');
  });

  it('belongs to a program', () => {
    const lonely = new Command('alone').option('--json');
    onRun(lonely, () => Promise.resolve());
    return lonely.parseAsync([], { from: 'user' }).then(
      () => expect.fail('it ran'),
      (error) => expect(error.message).to.equal('command alone belongs to no program'),
    );
  });
});

describe('cumulens doctor', () => {
  it('checks everything and finds this machine ready', () => {
    const { status, stdout } = cumulens('doctor', '--json');
    const { ok, checks, libtorch } = JSON.parse(stdout);
    expect(checks.filter((check) => !check.ok)).to.deep.equal([]);
    expect({ status, ok }).to.deep.equal({ status: 0, ok: true });
    expect(checks.map(({ name }) => name)).to.include.members([
      'libtorch',
      'node',
      'compiler',
      'cmake',
      'make',
      'python',
      'build',
      'addon',
      'training',
    ]);
    expect(libtorch).to.have.keys(['root', 'lib', 'include', 'version', 'cuda', 'nvidia', 'source']);
  });

  it('names what is wrong with a line that fixes it', () => {
    const env = { ...process.env, LIBTORCH: '/nonexistent', CUMULENS_ADDON: '/nonexistent/cumulens.node' };
    const { status, stdout } = spawnSync(process.execPath, [CLI, 'doctor'], { env, encoding: 'utf8' });
    expect(status).to.equal(1);
    expect(stdout).to.match(
      /^FAIL libtorch {2}LIBTORCH: \/nonexistent holds no lib\/libtorch_cpu\.so.*\n +to fix it: set LIBTORCH right, or unset it and run 'npx cumulens libtorch --variant cpu'$/m,
    );
    expect(stdout).to.match(/^FAIL build {5}the native addon is not built .*\n +to fix it: run 'npx cumulens build'$/m);
  });
});

describe('Progress', () => {
  const stream = (more) => ({
    text: '',
    write(text) {
      this.text += text;
    },
    ...more,
  });

  it('writes bytes and durations as people read them', () => {
    expect([0, 999, 1500, 12_345_678, 2.5e9].map(formatBytes)).to.deep.equal([
      '0 B',
      '999 B',
      '1.5 kB',
      '12 MB',
      '2.5 GB',
    ]);
    expect([0, 7.4, 65, 3723].map(formatDuration)).to.deep.equal(['0:00', '0:07', '1:05', '1:02:03']);
  });

  it('shows share, rate and time to go on one line of a terminal, never wider than it', () => {
    for (const columns of [80, 40, 20]) {
      let now = 0;
      const terminal = stream({ isTTY: true, columns });
      const progress = new Progress({ label: 'train', total: 400, unit: 'steps', stream: terminal, now: () => now });
      now = 10_000;
      progress.update(100, 'generator loss 0.3141, discriminator loss 0.2718');
      const [, line] = terminal.text.split('\r\x1b[2K');
      expect(line.length).to.be.at.most(columns - 1);
      if (columns === 80)
        expect(line).to.match(/^train .*25% {2}100\/400 steps {2}10\.0 steps\/s {2}ETA 0:30 {2}generator loss/);
      progress.finish('loss 0.2');
      expect(terminal.text.endsWith('\r\x1b[2Ktrain: 100 steps in 0:10, loss 0.2\n')).to.equal(true);
    }
  });

  it('writes a plain line now and then to a log, and counts only this run in its rate', () => {
    let now = 0;
    const file = stream({});
    const progress = new Progress({
      label: 'prepare',
      total: 1000,
      unit: 'images',
      start: 500,
      stream: file,
      now: () => now,
    });
    for (now = 1000; now <= 25_000; now += 1000) progress.update(500 + now / 100);
    progress.finish();
    expect(file.text).to.equal(
      'prepare: 60%  600/1000 images  10.0 images/s  ETA 0:40\n' +
        'prepare: 70%  700/1000 images  10.0 images/s  ETA 0:30\n' +
        'prepare: 750 images in 0:26\n',
    );
  });
});
