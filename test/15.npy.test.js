import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { readNpy, Tensor, writeNpy } from '../dist/index.js';
import { failure, put } from './support/data.js';
import { temporaryFolder } from './support/fake-libtorch.js';

const KINDS = [Float32Array, Float64Array, Uint8Array, Int8Array, Int16Array, Int32Array, BigInt64Array];

/** As NumPy 1.x and 2.x write it: a dict padded with spaces so that the values begin at a multiple of 64. */
function npyBytes(description, fortran, shape, values, version = 1) {
  const dict = `{'descr': '${description}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  const prefix = version === 1 ? 10 : 12;
  const header = dict.padEnd(Math.ceil((prefix + dict.length + 1) / 64) * 64 - prefix - 1) + '\n';
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(header.length, 0, length.length);
  return Buffer.concat([
    Buffer.from('\x93NUMPY', 'latin1'),
    Buffer.from([version, 0]),
    length,
    Buffer.from(header),
    Buffer.from(values),
  ]);
}

describe('.npy', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'a.npy');

  it('gives back what was written, for every dtype and shape', async () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shapes, fc.constantFrom(...KINDS), async (shape, Kind) => {
        const count = shape.reduce((a, b) => a * b, 1);
        const values = Kind.from({ length: count }, (_, i) =>
          Kind === BigInt64Array ? BigInt(i * i) - 7n : i * 3 - 7,
        );
        await writeNpy(path, Tensor.from(values, shape));
        const read = await readNpy(path);
        expect(read.shape).to.deep.equal(shape);
        expect(await read.data()).to.deep.equal(values);
      }),
      { numRuns: 60 },
    );
  });

  it('is written as the format says: little-endian, aligned to 64, one dict', async () => {
    await writeNpy(path, Tensor.from(Float32Array.from([1, -2.5]), [2]));
    const bytes = readFileSync(path);
    const expected = npyBytes('<f4', 'False', '(2,)', new Uint8Array(Float32Array.from([1, -2.5]).buffer));
    expect(bytes.equals(expected)).to.equal(true);
  });

  it('is read in versions 1 and 2, with values that are not aligned', async () => {
    const values = Uint8Array.from([0, 0, 128, 63, 0, 0, 0, 64]);
    for (const version of [1, 2]) {
      const tensor = await readNpy(put(path, npyBytes('<f4', 'False', '(1, 2)', values, version)));
      expect([...(await tensor.data())]).to.deep.equal([1, 2]);
    }
    const dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n";
    const odd = Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
      Buffer.from([dict.length, 0]),
      Buffer.from(dict),
      values,
    ]);
    expect([...(await (await readNpy(put(path, odd))).data())]).to.deep.equal([1, 2]);
  });

  const eight = new Uint8Array(8);
  const refused = {
    'column-major order': [
      npyBytes('<f4', 'True', '(1, 2)', eight),
      /column-major \(Fortran\) order; save it with numpy\.ascontiguousarray/,
    ],
    'big-endian values': [npyBytes('>f4', 'False', '(2,)', eight), /dtype >f4, expected one of/],
    'too few values': [npyBytes('<f4', 'False', '(3,)', eight), /a\.npy/],
    'another format': [Buffer.from('PK\x03\x04 a zip file'), /not a \.npy file/],
  };
  for (const [what, [bytes, message]] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      const error = await failure(readNpy(put(path, bytes)));
      expect(error.code).to.equal('ERR_FORMAT');
      expect(error.message).to.match(message);
    });
  }
});
