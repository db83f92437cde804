// Zip archives as they come from strangers: whole ones are read, all others are refused in words.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { CumulensError } from '../dist/index.js';
import { withZip } from '../dist/cnn/import/zip.js';
import { rejection, uniform } from './support/arrays.js';
import { zip } from './support/zip.js';

describe('Zip archives', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-zip-'));
  const path = join(folder, 'model.zip');
  const noise = Buffer.from(uniform(1, 70_000, 0, 256));
  const honest = [
    { name: 'config.json', data: '{"class_name":"Sequential"}', deflate: true },
    { name: 'folder/', data: '' },
    { name: 'folder/weights.bin', data: noise },
  ];
  after(() => rmSync(folder, { recursive: true }));

  const readAll = (bytes) => {
    writeFileSync(path, bytes);
    return withZip(path, async (archive) => {
      await archive.verify();
      const contents = [];
      for (const name of archive.entries.keys()) contents.push([name, await archive.read(name)]);
      return Object.fromEntries(contents);
    });
  };
  const problem = async (files) => {
    const { code, message } = await rejection(readAll(Buffer.isBuffer(files) ? files : zip(files)));
    return `${code} ${message.replace(path, 'ZIP')}`;
  };

  it('give their entries, stored or deflated, whole', async () => {
    const contents = await readAll(zip(honest));
    expect(Object.keys(contents)).to.deep.equal(['config.json', 'folder/weights.bin']);
    expect(contents['config.json'].toString()).to.equal('{"class_name":"Sequential"}');
    expect(contents['folder/weights.bin'].equals(noise)).to.equal(true);
    const target = join(folder, 'weights.bin');
    await withZip(path, (archive) => archive.extract('folder/weights.bin', target));
    expect(readFileSync(target).equals(noise)).to.equal(true);
  });

  it('say what an entry declares before it is read', async () => {
    writeFileSync(path, zip(honest));
    const limited = await rejection(withZip(path, (archive) => archive.read('folder/weights.bin', 1000)));
    expect(limited.message).to.equal(`${path}: 'folder/weights.bin' has 70000 bytes, expected at most 1000`);
    const absent = await rejection(withZip(path, (archive) => archive.read('weights.bin')));
    expect(absent.message).to.equal(`${path}: the archive has no 'weights.bin'`);
  });

  it('are refused when they leave their folder, hide something, or grow without end', async () => {
    const file = (lie, rest = {}) => [{ name: 'a', data: 'x', ...rest, lie }];
    const unsafe = (reason) => `ERR_FORMAT ZIP: not a whole and safe zip archive: ${reason}`;
    expect(await problem(file({ name: '../a' }))).to.equal(unsafe('invalid relative path: ../a'));
    expect(await problem(file({ name: 'b/../../a' }))).to.equal(unsafe('invalid relative path: b/../../a'));
    expect(await problem(file({ name: '/etc/a' }))).to.equal(unsafe('absolute path: /etc/a'));
    expect(await problem(file({ name: '..\\a' }))).to.equal(unsafe('invalid characters in fileName: ..\\a'));
    // Traditional encryption puts 12 bytes before the data.
    expect(await problem(file({ flags: 0x801, size: 1 }, { data: 'twelve bytesx' }))).to.equal(
      "ERR_FORMAT ZIP: 'a' is encrypted",
    );
    expect(await problem(file({ crc: 1 }))).to.equal("ERR_FORMAT ZIP: 'a' is damaged: its CRC-32 does not match");
    expect(await problem(file({ localName: 'b' }))).to.equal("ERR_FORMAT ZIP: 'a' has another name in its own header");
    expect(await problem([...file({}), ...file({})])).to.equal("ERR_FORMAT ZIP: 'a' is there twice");
    const zeros = Buffer.alloc(5 * 2 ** 20);
    expect(await problem([{ name: 'bomb', data: zeros, deflate: true }])).to.match(
      /^ERR_FORMAT ZIP: 'bomb' would grow from \d+ bytes to 5242880, more than 200 times$/,
    );
    // A bomb that denies it is stopped where it passes what it declared.
    expect(await problem([{ name: 'bomb', data: zeros, deflate: true, lie: { size: 10 } }])).to.match(
      /^ERR_FORMAT ZIP: 'bomb' cannot be read: too many bytes in the stream. expected 10\./,
    );
    const overlap = [{ name: 'a', data: noise }, ...['b', 'c'].map((name) => ({ name, data: '' }))];
    const bytes = zip(overlap);
    for (const name of ['b', 'c']) {
      const at = bytes.lastIndexOf(Buffer.from(name)) - 46;
      bytes.writeUInt32LE(noise.length, at + 20);
      bytes.writeUInt32LE(noise.length, at + 24);
    }
    expect(await problem(bytes)).to.match(/^ERR_FORMAT ZIP: its entries claim \d+ bytes of \d+: some of them overlap$/);
  });

  it('are refused when they are cut, and give the same or an error when a byte has changed', async () => {
    const bytes = zip(honest);
    const wanted = await readAll(bytes);
    const check = async (changed) => {
      try {
        const contents = await readAll(changed);
        // Dates, versions and what follows the directory may change without harm.
        for (const name of Object.keys(contents)) expect([...Object.values(wanted)]).to.deep.include(contents[name]);
      } catch (error) {
        if (!(error instanceof CumulensError)) throw error;
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        const { code } = await rejection(readAll(bytes.subarray(0, length)));
        expect(code).to.equal('ERR_FORMAT');
      }),
      { numRuns: 40 },
    );
    const tail = bytes.length - 400;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: tail, max: bytes.length - 1 }), fc.nat(255), async (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        await check(changed);
      }),
      { numRuns: 150 },
    );
    expect(readdirSync(folder).sort()).to.deep.equal(['model.zip', 'weights.bin']);
  });
});
