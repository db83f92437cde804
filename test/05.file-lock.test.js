import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { holdFile } from '../dist/file_lock.js';

const release = (held) => held[Symbol.dispose]();

describe('a held file', () => {
  let folder;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'cumulens-lock-'))));
  afterEach(() => rm(folder, { recursive: true }));

  const child = (...args) =>
    fork('test/support/lock-child.js', args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

  it('is held once, and is gone when it is let go of, however often', () => {
    const path = join(folder, 'lock');
    const held = holdFile(path);
    expect(existsSync(path)).to.equal(true);
    expect(holdFile(path)).to.equal('taken');
    release(holdFile(join(folder, 'other')));
    release(held);
    expect(existsSync(path)).to.equal(false);
    const again = holdFile(path);
    release(held);
    expect(existsSync(path)).to.equal(true);
    expect(holdFile(path)).to.equal('taken');
    release(again);
  });

  it('is free at once when its process is killed', async () => {
    const path = join(folder, 'lock');
    const other = child('hold', path);
    await once(other, 'message');
    expect(holdFile(path)).to.equal('taken');
    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(existsSync(path)).to.equal(true);
    release(holdFile(path));
  });

  it('is never held by two of many processes that want it', async () => {
    const count = join(folder, 'count');
    const turns = 300;
    const exits = await Promise.all(
      [1, 2, 3].map(() => once(child('count', join(folder, 'lock'), count, turns), 'exit')),
    );
    expect(exits.map(([code]) => code)).to.deep.equal([0, 0, 0]);
    expect(Number(await readFile(count, 'utf8'))).to.equal(3 * turns);
  });

  it('says where it cannot be made', () => {
    const path = join(folder, 'none', 'lock');
    expect(() => holdFile(path)).to.throw(`${path}: cannot create: No such file or directory`).with.property('code', 'ERR_IO'); // prettier-ignore
    expect(() => holdFile(folder)).to.throw(`${folder}: cannot create: Is a directory`);
  });
});
