import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import fc from 'fast-check';

import { CumulensError, Generator, Tensor, readSafetensors, writeSafetensors } from '../dist/index.js';
import { native } from '../dist/native.js';

const fixture = (name) => readSafetensors(fileURLToPath(new URL(`fixtures/${name}.safetensors`, import.meta.url)));

/** METHOD's error: max|a − b| / max|b|. */
async function error(actual, expected) {
  const [a, b] = [await actual.data(), await expected.data()];
  expect(a.length).to.equal(b.length);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return difference === 0 ? 0 : difference / largest;
}

async function relativeL2(actual, expected) {
  const [a, b] = [await actual.data(), await expected.data()];
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}

/** Values in [0, 1) that depend on the seed alone. */
function noise(shape, seed, Type = Float32Array) {
  const values = new Type(shape.reduce((a, b) => a * b, 1));
  let state = seed * 2654435761 + 12345;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 32;
  }
  return Tensor.from(values, shape);
}

async function rejection(promise) {
  const outcome = await promise.then(
    () => undefined,
    (failure) => failure,
  );
  expect(outcome, 'the call should have failed').to.be.instanceOf(CumulensError);
  return outcome;
}

const tiny = { variant: 'lsft', conditions: 2, width: 6, conditionWidth: 5, conditionFeatures: 4 };

describe('generators', () => {
  it('have the number of parameters that METHOD gives', async () => {
    const gsft = await Generator.create({ variant: 'gsft', outputChannels: 3 });
    const lsft = await Generator.create({ variant: 'lsft', outputChannels: 3 });
    expect(gsft.parameterCount).to.equal(3156195);
    expect(lsft.parameterCount).to.equal(2160419);
    const discriminator = await native.createDiscriminator(
      { size: 64, mapChannels: 3, width: 64 },
      { device: 'cpu', dtype: 'float32', seed: 0 },
    );
    expect(discriminator.parameterCount).to.equal(1122209);
  });

  it('gsft gives the output, loss and gradients of the reference', async () => {
    const weights = await fixture('gsft-2.weights');
    const io = (await fixture('gsft-2.io')).tensors;
    const config = {
      variant: 'gsft',
      conditions: 8,
      blocks: 2,
      width: 64,
      conditionWidth: 128,
      conditionFeatures: 32,
      outputChannels: 3,
    };
    const generator = await Generator.from(config, weights.tensors);
    const result = await generator.gradients(io.image, io.conditions, io.target);
    expect(await error(result.output, io.output)).to.be.at.most(1e-4);
    expect(await error(result.l1, io.l1)).to.be.at.most(1e-4);
    expect(await error(result.images, io.grad_image)).to.be.at.most(1e-4);
    expect(await error(result.conditions, io.grad_conditions)).to.be.at.most(1e-4);
    expect(await error(result.parameters['tail.weight'], io.grad_tail_weight)).to.be.at.most(1e-4);
    expect(await error(await generator.explain(io.image, io.conditions, { raw: true }), io.output)).to.be.at.most(1e-4);
  });

  it('lsft gives the output, loss and gradients of the reference', async () => {
    const { tensors } = await fixture('lsft-3.weights');
    const io = (await fixture('lsft-3.io')).tensors;
    const config = {
      variant: 'lsft',
      conditions: 2,
      blocks: 3,
      width: 64,
      conditionWidth: 128,
      conditionFeatures: 32,
      outputChannels: 3,
    };
    const generator = await Generator.from(config, tensors);
    const result = await generator.gradients(io.image, io.conditions, io.target);
    expect(await error(result.output, io.output)).to.be.at.most(1e-4);
    expect(await error(result.l1, io.l1)).to.be.at.most(1e-4);
    expect(await error(result.images, io.grad_image)).to.be.at.most(1e-4);
    expect(await error(result.parameters['tail.weight'], io.grad_tail_weight)).to.be.at.most(1e-4);

    // One leaky-relu input of the fixture is +5e-10 in exact arithmetic and was negative when it was made: its slope, and with it the
    // conditions' gradient around one pixel, depends on the last bit. A bias 3e-7 lower puts it on the fixture's side everywhere.
    const bias = await tensors['blocks.2.sft.scale.0.bias'].data();
    bias[31] -= 3e-7;
    const nudged = { ...tensors, 'blocks.2.sft.scale.0.bias': Tensor.from(Float32Array.from(bias), [bias.length]) };
    const sameSide = await Generator.from(config, nudged);
    const { conditions } = await sameSide.gradients(io.image, io.conditions, io.target);
    expect(await relativeL2(conditions, io.grad_conditions)).to.be.at.most(1e-4);
  });

  it('and the discriminator its logits', async () => {
    const { tensors } = await fixture('discriminator-32.weights');
    const io = (await fixture('discriminator-32.io')).tensors;
    const options = { device: 'cpu', dtype: 'float32', seed: 0 };
    const discriminator = await native.createDiscriminator({ size: 32, mapChannels: 3, width: 64 }, options, tensors);
    expect(await error(await discriminator.logits(io.image, io.map), io.logit)).to.be.at.most(1e-4);
  });

  for (const variant of ['gsft', 'lsft']) {
    it(`${variant}: gradients agree with finite differences in float64`, async () => {
      const config = { ...tiny, variant, ...(variant === 'gsft' ? { blocks: 2 } : {}) };
      const generator = await Generator.create(config, { dtype: 'float64', seed: 3 });
      const weights = await generator.stateDict();
      const shape = [1, 3, 6, 7];
      const image = noise(shape, 1, Float64Array);
      const conditions = noise([1, 2, 6, 7], 2, Float64Array);
      // Far above any output, so that the absolute value has no kink in reach.
      const target = Tensor.from(new Float64Array(42).fill(50), [1, 1, 6, 7]);
      const analytic = await generator.gradients(image, conditions, target);
      const lossOf = async (x, c, state) => {
        const other = state ? await Generator.from(generator.config, state, { dtype: 'float64' }) : generator;
        return (await (await other.gradients(x, c, target)).l1.data())[0];
      };
      const step = 1e-6;
      const slope = async (tensor, index, lossAt) => {
        const at = async (offset) => {
          const values = Float64Array.from(await tensor.data());
          values[index] += offset;
          return lossAt(Tensor.from(values, tensor.shape));
        };
        return ((await at(step)) - (await at(-step))) / (2 * step);
      };
      const compare = async (name, gradient, tensor, lossAt) => {
        const values = await gradient.data();
        const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expect(largest, name).to.be.greaterThan(0);
        for (const index of [0, Math.floor(values.length / 3), values.length - 1]) {
          const expected = await slope(tensor, index, lossAt);
          expect(Math.abs(values[index] - expected), `${name}[${index}]`).to.be.at.most(1e-6 * Math.max(1, largest));
        }
      };
      await compare('images', analytic.images, image, (x) => lossOf(x, conditions));
      await compare('conditions', analytic.conditions, conditions, (c) => lossOf(image, c));
      for (const name of [
        'blocks.0.sft.scale.0.weight',
        'blocks.0.sft.shift.0.weight',
        'blocks.0.sft.scale.1.bias',
        'cond_net.0.weight',
        'head.weight',
      ]) {
        await compare(name, analytic.parameters[name], weights[name], (w) =>
          lossOf(image, conditions, { ...weights, [name]: w }),
        );
      }
    });
  }

  it('have in float32, on a CPU, the output and gradients of float64, for any number of channels', async function () {
    this.timeout(60_000);
    const size = fc.integer({ min: 1, max: 40 });
    const configs = fc.record({
      variant: fc.constantFrom('gsft', 'lsft'),
      conditions: fc.integer({ min: 1, max: 3 }),
      width: size,
      conditionWidth: size,
      conditionFeatures: size,
      outputChannels: fc.constantFrom(1, 3),
      seed: fc.integer({ min: 0, max: 1000 }),
      // Small: of very many activations one lies so near 0 that its sign, and with it a gradient, hangs on rounding.
      shape: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 11 }), fc.integer({ min: 1, max: 11 })),
    });
    await fc.assert(
      fc.asyncProperty(configs, async ({ seed, shape: [n, h, w], ...sizes }) => {
        const config = { ...sizes, ...(sizes.variant === 'gsft' ? { blocks: 2 } : {}) };
        const channels = config.outputChannels;
        const gradientsIn = async (dtype, Type) => {
          const generator = await Generator.create(config, { dtype, seed });
          // Far above any output, so that the absolute value has no kink in reach.
          const target = Tensor.from(new Type(n * channels * h * w).fill(50), [n, channels, h, w]);
          const result = await generator.gradients(
            noise([n, 3, h, w], seed + 1, Type),
            noise([n, config.conditions, h, w], seed + 2, Type),
            target,
          );
          generator.dispose();
          return { output: result.output, images: result.images, conditions: result.conditions, ...result.parameters };
        };
        const [single, double] = [
          await gradientsIn('float32', Float32Array),
          await gradientsIn('float64', Float64Array),
        ];
        expect(Object.keys(single)).to.deep.equal(Object.keys(double));
        for (const [name, value] of Object.entries(single)) {
          expect(value.shape, name).to.deep.equal(double[name].shape);
          expect(await error(value, double[name]), name).to.be.at.most(1e-4);
        }
      }),
      { numRuns: 60, seed: 40 },
    );
  });

  it('have the same gradients, to the bit, whatever the number of threads', async () => {
    // Large enough for every sum to be shared out, and each image's rows too.
    const generator = await Generator.create({ ...tiny, width: 16, conditionFeatures: 13 }, { seed: 5 });
    const [image, conditions] = [noise([8, 3, 25, 26], 1), noise([8, 2, 25, 26], 2)];
    const target = noise([8, 1, 25, 26], 3);
    const before = await native.threads();
    const results = [];
    try {
      for (const threads of [1, 2, 3]) {
        await native.setThreads(threads);
        const { output, images, parameters } = await generator.gradients(image, conditions, target);
        results.push(await Promise.all([output, images, ...Object.values(parameters)].map((t) => t.data())));
      }
    } finally {
      await native.setThreads(before);
    }
    expect(results[1]).to.deep.equal(results[0]);
    expect(results[2]).to.deep.equal(results[0]);
  });

  it('have in float32, on a CPU, the output and gradients of float64 where an image is cut into bands', async () => {
    const gradientsIn = async (dtype, Type) => {
      const generator = await Generator.create({ ...tiny, width: 16, conditionWidth: 16 }, { dtype, seed: 6 });
      const target = Tensor.from(new Type(2 * 41 * 43).fill(50), [2, 1, 41, 43]);
      return generator.gradients(noise([2, 3, 41, 43], 1, Type), noise([2, 2, 41, 43], 2, Type), target);
    };
    const [single, double] = [await gradientsIn('float32', Float32Array), await gradientsIn('float64', Float64Array)];
    expect(await error(single.output, double.output)).to.be.at.most(1e-5);
    // Of so many activations some lie so near 0 that their sign hangs on rounding: a few pixels' gradients may differ.
    for (const name of ['images', 'conditions'])
      expect(await relativeL2(single[name], double[name])).to.be.at.most(1e-3);
    for (const [name, value] of Object.entries(single.parameters))
      expect(await relativeL2(value, double.parameters[name]), name).to.be.at.most(1e-3);
  });

  it('sum a gradient of very many pixels without losing digits', async () => {
    const generator = await Generator.create(tiny, { seed: 7 });
    const [n, side] = [2, 224];
    const target = Tensor.from(new Float32Array(n * side * side).fill(50), [n, 1, side, side]);
    const { parameters } = await generator.gradients(
      noise([n, 3, side, side], 1),
      noise([n, 2, side, side], 2),
      target,
    );
    // The loss is a mean of |output − target|, the output below everywhere: −1/pixels for each pixel.
    const [slope] = await parameters['tail.bias'].data();
    expect(slope).to.be.closeTo(-1, 5e-6);
  });

  it('put out values of order 1 before training, at every depth', async () => {
    for (const config of [{ variant: 'gsft' }, { variant: 'lsft' }]) {
      const generator = await Generator.create(config, { seed: 1 });
      const output = await (
        await generator.explain(noise([2, 3, 32, 32], 1), noise([2, 8, 32, 32], 2), { raw: true })
      ).data();
      const mean = output.reduce((a, b) => a + b, 0) / output.length;
      const std = Math.sqrt(output.reduce((a, b) => a + (b - mean) ** 2, 0) / output.length);
      expect(std, config.variant).to.be.within(0.05, 5);
    }
  });

  it('clamp the map and average its channels, unless raw is asked for', async () => {
    const generator = await Generator.create({ ...tiny, outputChannels: 3 }, { seed: 5 });
    const [x, c] = [noise([2, 3, 9, 8], 4), noise([2, 2, 9, 8], 5)];
    const raw = await generator.explain(x, c, { raw: true });
    const map = await generator.explain(x, c);
    expect(raw.shape).to.deep.equal([2, 3, 9, 8]);
    expect(map.shape).to.deep.equal([2, 1, 9, 8]);
    const [all, shown] = [await raw.data(), await map.data()];
    for (let i = 0; i < shown.length; i++) {
      const [n, at] = [Math.floor(i / 72), i % 72];
      const mean = (all[n * 216 + at] + all[n * 216 + 72 + at] + all[n * 216 + 144 + at]) / 3;
      expect(shown[i]).to.be.closeTo(Math.min(1, Math.max(0, mean)), 1e-6);
    }
  });

  it('draw a batch as they draw its samples one by one, whatever the batch size', async () => {
    const generators = await Promise.all([
      Generator.create(tiny),
      Generator.create({ ...tiny, variant: 'gsft', blocks: 2 }),
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(1),
        async (count, batchSize, which) => {
          const generator = generators[which];
          const [x, c] = [noise([count, 3, 8, 8], count), noise([count, 2, 8, 8], 7)];
          const all = await (await generator.explain(x, c, { raw: true, batchSize })).data();
          const [xs, cs] = [await x.data(), await c.data()];
          for (let i = 0; i < count; i++) {
            const one = await generator.explain(
              Tensor.from(xs.slice(i * 192, (i + 1) * 192), [1, 3, 8, 8]),
              Tensor.from(cs.slice(i * 128, (i + 1) * 128), [1, 2, 8, 8]),
              { raw: true },
            );
            (await one.data()).forEach((value, k) => expect(all[i * 64 + k]).to.be.closeTo(value, 1e-5));
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  it('take bytes as 255 times the value', async () => {
    const generator = await Generator.create(tiny);
    const bytes = new Uint8Array(192).map((_, i) => (i * 37) % 256);
    const conditions = new Uint8Array(128).map((_, i) => (i * 11) % 256);
    const asBytes = await generator.explain(Tensor.from(bytes, [1, 3, 8, 8]), Tensor.from(conditions, [1, 2, 8, 8]), {
      raw: true,
    });
    const asFloats = await generator.explain(
      Tensor.from(
        Float32Array.from(bytes, (v) => v / 255),
        [1, 3, 8, 8],
      ),
      Tensor.from(
        Float32Array.from(conditions, (v) => v / 255),
        [1, 2, 8, 8],
      ),
      { raw: true },
    );
    expect(await error(asBytes, asFloats)).to.be.at.most(1e-6);
  });

  it('start from their seed', async () => {
    const weightOf = async (seed) =>
      Array.from(await (await (await Generator.create(tiny, { seed })).stateDict())['head.weight'].data());
    expect(await weightOf(1)).to.deep.equal(await weightOf(1));
    expect(await weightOf(1)).to.not.deep.equal(await weightOf(2));
  });

  describe('as files', () => {
    let folder;
    before(async () => (folder = await mkdtemp(join(tmpdir(), 'cumulens-generator-'))));
    after(() => rm(folder, { recursive: true }));

    it('come back as they were, under the names of METHOD', async () => {
      const path = join(folder, 'g.safetensors');
      const generator = await Generator.create(tiny, { seed: 9 });
      await generator.save(path);
      const loaded = await Generator.load(path);
      expect(loaded.config).to.deep.equal(generator.config);
      const [before, after] = [await generator.stateDict(), await loaded.stateDict()];
      expect(Object.keys(after)).to.include.members([
        'cond_net.4.weight',
        'blocks.0.sft.scale.0.weight',
        'blocks.1.conv.2.bias',
        'tail.bias',
      ]);
      expect(Object.keys(after)).to.deep.equal(Object.keys(before));
      for (const name of Object.keys(before)) expect(await after[name].data()).to.deep.equal(await before[name].data());
    });

    it('that are none are refused in words', async () => {
      const path = join(folder, 'bad.safetensors');
      const stateDict = await (await Generator.create(tiny)).stateDict();
      await writeSafetensors(path, stateDict, {});
      expect((await rejection(Generator.load(path))).message).to.match(/bad\.safetensors: not a generator of cumulens/);
      const cumulens = (config) => ({ cumulens: JSON.stringify({ kind: 'generator', version: 1, config }) });
      const rest = { ...stateDict };
      delete rest['head.weight'];
      await writeSafetensors(path, rest, cumulens(tiny));
      expect(await rejection(Generator.load(path))).to.include({
        code: 'ERR_FORMAT',
        message: `${path}: generator: the tensor 'head.weight' is missing`,
      });
      await writeSafetensors(path, { ...stateDict, extra: stateDict['head.bias'] }, cumulens(tiny));
      expect((await rejection(Generator.load(path))).message).to.match(/unknown tensor 'extra'/);
      await writeSafetensors(path, { ...stateDict, 'head.bias': stateDict['tail.bias'] }, cumulens(tiny));
      expect((await rejection(Generator.load(path))).message).to.match(/'head.bias' has shape \[1\], expected \[6\]/);
      await writeFile(path, 'nothing');
      expect((await rejection(Generator.load(path))).code).to.equal('ERR_FORMAT');
    });
  });

  it('say what is wrong with their options and inputs', async () => {
    const failure = async (config) => (await rejection(Generator.create(config))).message;
    expect(await failure({ widht: 3 })).to.match(/unknown name 'widht'; did you mean 'width'/);
    expect(await failure({ variant: 'sft' })).to.match(/variant: expected "gsft" or "lsft", got "sft"/);
    expect(await failure({ variant: 'lsft', conditions: 4, blocks: 3 })).to.match(
      /an LSFT generator of 4 conditions has 7 blocks, got 3/,
    );
    expect(await failure({ outputChannels: 2 })).to.match(/outputChannels/);
    const generator = await Generator.create(tiny);
    const explain = (x, c) => rejection(generator.explain(x, c));
    expect(await explain(noise([1, 4, 8, 8], 1), noise([1, 2, 8, 8], 1))).to.include({ code: 'ERR_SHAPE' });
    expect((await explain(noise([2, 3, 8, 8], 1), noise([2, 3, 8, 8], 1))).message).to.match(
      /conditions have shape \[2, 3, 8, 8\], expected \[2,2,8,8\]/,
    );
    expect((await explain(noise([2, 3, 8, 8], 1), noise([1, 2, 8, 8], 1))).code).to.equal('ERR_SHAPE');
    expect((await explain([1, 2], noise([1, 2, 8, 8], 1))).code).to.equal('ERR_OPTION');
    generator.dispose();
    expect((await explain(noise([1, 3, 8, 8], 1), noise([1, 2, 8, 8], 1))).code).to.equal('ERR_DISPOSED');
  });

  it('stop when they are told to', async () => {
    const generator = await Generator.create({ variant: 'lsft' });
    const abort = new AbortController();
    const work = generator.explain(noise([64, 3, 64, 64], 1), noise([64, 8, 64, 64], 2), { signal: abort.signal });
    setTimeout(() => abort.abort(), 100);
    expect((await rejection(work)).code).to.equal('ERR_ABORTED');
  });
});

describe('colours', () => {
  it('are those of viridis and jet', async () => {
    const colours = async (name) =>
      Array.from(await (await native.colourise(Tensor.from(new Uint8Array([0, 128, 255]), [1, 1, 1, 3]), name)).data());
    expect(await colours('viridis')).to.deep.equal([0x44, 0x21, 0xfd, 0x01, 0x91, 0xe7, 0x54, 0x8c, 0x25]);
    expect(await colours('jet')).to.deep.equal([0, 125, 128, 0, 255, 0, 128, 122, 0]);
  });
});
