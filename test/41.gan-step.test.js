import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { native } from '../dist/native.js';
import { readSafetensors, Tensor } from '../dist/index.js';

/** The settings of fixtures/make_gan_step.py. */
const adam = (beta1) => ({ learningRate: 1e-3, beta1, beta2: 0.999, epsilon: 1e-4 });
const settings = (variant, overrides = {}) => ({
  generator: {
    variant,
    conditions: 2,
    blocks: variant === 'lsft' ? 3 : 2,
    width: 8,
    conditionWidth: 8,
    conditionFeatures: 4,
    outputChannels: 1,
  },
  discriminator: { size: 16, mapChannels: 1, width: 4 },
  seed: 1,
  batchSize: 4,
  flips: false,
  generatorAdam: adam(0.5),
  discriminatorAdam: adam(0.9),
  l1Weight: 100,
  discriminatorWeight: 0.3,
  discriminatorEvery: 1,
  separateDiscriminatorSteps: false,
  emaDecay: 0,
  warmup: 0,
  decaySteps: 0,
  finalRate: 0,
  bfloat16: false,
  ...overrides,
});

describe('a training step', () => {
  let tensors;
  const under = (prefix) =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
    );

  before(async () => {
    ({ tensors } = await readSafetensors(fileURLToPath(new URL('fixtures/gan-step.safetensors', import.meta.url))));
  });

  async function start(variant, overrides) {
    const trainer = await native.createGanTrainer(settings(variant, overrides), 'cpu', [under('data.')]);
    const { optimizer, ema } = await trainer.state();
    const generator = under(`${variant}.g0.`);
    await trainer.restore(0, {
      generator,
      discriminator: under(`${variant}.d0.`),
      optimizer,
      ...(ema ? { ema: generator } : {}),
    });
    return trainer;
  }

  /** Largest difference between the moves of the weights, over the largest move. */
  async function moveError(before, expected, actual) {
    let difference = 0;
    let largest = 0;
    for (const name of Object.keys(expected)) {
      const [from, to, got] = await Promise.all([before[name].data(), expected[name].data(), actual[name].data()]);
      for (let i = 0; i < to.length; i++) {
        difference = Math.max(difference, Math.abs(got[i] - to[i]));
        largest = Math.max(largest, Math.abs(to[i] - from[i]));
      }
    }
    return difference / largest;
  }

  for (const variant of ['lsft', 'gsft']) {
    it(`of ${variant} has the losses and weights of the same step in plain PyTorch`, async () => {
      const losses = await tensors[`${variant}.losses`].data();
      for (const steps of [1, 3]) {
        const trainer = await start(variant);
        const rows = await trainer.run(steps);
        rows.forEach((row, i) => {
          const [adversarial, l1, discriminatorLoss, norm] = losses.slice(4 * i, 4 * i + 4);
          expect(row.adversarial).to.be.closeTo(adversarial, 1e-4 * adversarial);
          expect(row.l1).to.be.closeTo(l1, 1e-4 * l1);
          expect(row.discriminatorLoss).to.be.closeTo(discriminatorLoss, 1e-4 * discriminatorLoss);
          expect(row.adversarialGradient).to.be.closeTo(norm, 1e-3 * norm);
          expect(row.generatorLoss).to.be.closeTo(adversarial + 100 * l1, 1e-3);
        });
        const state = await trainer.state();
        expect(await moveError(under(`${variant}.g0.`), under(`${variant}.g${steps}.`), state.generator)).to.be.at.most(
          1e-3,
        );
        expect(
          await moveError(under(`${variant}.d0.`), under(`${variant}.d${steps}.`), state.discriminator),
        ).to.be.at.most(1e-3);
        await trainer.dispose();
      }
    });
  }

  // Of the rates, by hand: the rise over two steps, the cosine over four, and what it ends at.
  const constant = { warmup: 2, decaySteps: 0, finalRate: 0 };
  const falling = { warmup: 2, decaySteps: 4, finalRate: 0.2 };
  for (const [schedule, factors] of [
    [constant, { 0: 1 / 3, 1: 2 / 3, 2: 1, 90: 1 }],
    [falling, { 0: 1 / 3, 2: 1, 3: 0.2 + 0.4 * (1 + Math.SQRT1_2), 4: 0.6, 6: 0.2, 90: 0.2 }],
    [
      { ...falling, finalRate: 0 },
      { 4: 0.5, 5: 0.5 * (1 - Math.SQRT1_2), 6: 0 },
    ],
  ]) {
    it(`moves weights by the learning rates of its step, ${JSON.stringify(schedule)}`, async () => {
      const after = async (step, overrides) => {
        const trainer = await start('lsft', overrides);
        await trainer.restore(step, await trainer.state());
        await trainer.run(1);
        const { generator, discriminator } = await trainer.state();
        await trainer.dispose();
        return { generator, discriminator };
      };
      const scaled = (factor) => ({
        generatorAdam: { ...adam(0.5), learningRate: 1e-3 * factor },
        discriminatorAdam: { ...adam(0.9), learningRate: 1e-3 * factor },
      });
      for (const [step, factor] of Object.entries(factors)) {
        const got = await after(Number(step), schedule);
        const expected = await after(Number(step), scaled(factor));
        for (const part of ['generator', 'discriminator']) {
          const before = under(`lsft.${part[0]}0.`);
          if (factor > 0) expect(await moveError(before, expected[part], got[part])).to.be.at.most(1e-5);
          else for (const name of Object.keys(before)) expect(await got[part][name].data()).to.deep.equal(await before[name].data()); // prettier-ignore
        }
      }
    });
  }

  it('leaves the discriminator alone but at every n-th', async () => {
    const trainer = await start('lsft', { discriminatorEvery: 3 });
    const rows = await trainer.run(4);
    expect(rows.map((row) => row.discriminatorLoss === null)).to.deep.equal([false, true, true, false]);
    expect(rows[1].realAccuracy).to.equal(null);
    await trainer.dispose();
  });

  for (const separateDiscriminatorSteps of [false, true]) {
    it(`in bfloat16 judges by the discriminator as it has just become, ${separateDiscriminatorSteps ? 'two steps' : 'one step'}`, async () => {
      const learner = { ...adam(0.9), learningRate: 0.1 };
      const trainer = await start('lsft', { bfloat16: true, discriminatorAdam: learner, separateDiscriminatorSteps });
      const [{ adversarial }] = await trainer.run(1);
      const { discriminator } = await trainer.state();
      await trainer.dispose();
      // The batch is all of the data, whose order does not matter; the generator is the one before the step.
      const { generator: sizes, discriminator: shape, batchSize } = settings('lsft');
      const data = under('data.');
      expect(data.image.shape[0]).to.equal(batchSize);
      const place = { device: 'cpu', dtype: 'float32', seed: 0 };
      const generator = await native.createGenerator(sizes, place, under('lsft.g0.'));
      const fake = await generator.explain(data.image, data.conditions, { raw: true, batchSize });
      const image = Tensor.from(
        Float32Array.from(await data.image.data(), (value) => value / 255),
        data.image.shape,
      );
      const judged = async (weights) => {
        const judge = await native.createDiscriminator(shape, place, weights);
        const logits = await (await judge.logits(image, fake)).data();
        return logits.reduce((sum, logit) => sum + Math.log1p(Math.exp(-logit)), 0) / logits.length;
      };
      const [before, after] = [await judged(under('lsft.d0.')), await judged(discriminator)];
      // One moves far from the other, against bfloat16's two to three digits.
      expect(Math.abs(after - before)).to.be.greaterThan(0.2 * before);
      expect(Math.abs(adversarial - after)).to.be.lessThan(0.1 * Math.abs(after - before));
    });
  }

  it('averages the generator', async () => {
    const trainer = await start('lsft', { emaDecay: 0.9 });
    const first = under('lsft.g0.')['tail.weight'];
    await trainer.run(1);
    const { ema, generator } = await trainer.state();
    // After step 1 the decay is min(0.9, (1 + 1) / (10 + 1)).
    const decay = 2 / 11;
    const [from, to, average] = await Promise.all([
      first.data(),
      generator['tail.weight'].data(),
      ema['tail.weight'].data(),
    ]);
    average.forEach((value, i) => expect(value).to.be.closeTo(decay * from[i] + (1 - decay) * to[i], 1e-7));
    await trainer.dispose();
  });

  it('that is cancelled leaves no trace', async () => {
    const [cancelled, plain] = [await start('lsft'), await start('lsft')];
    // Cancelled at whatever point of whatever step it has come to, a little later each time: each call ends with whole steps.
    let done = 0;
    for (let i = 0; i < 20 || done < 5; i++) {
      const token = new native.CancelToken();
      setTimeout(() => token.cancel(), 5 + 3 * i);
      // Cancelled before it began, a call is refused: on a busy machine the first ones may be.
      const rows = await cancelled.run(1000, { token }).catch(({ code }) => (code === 'ERR_ABORTED' ? [] : undefined));
      done += rows.length;
    }
    await plain.run(done);
    const [a, b] = [await cancelled.state(), await plain.state()];
    for (const part of ['generator', 'discriminator', 'optimizer']) {
      for (const name of Object.keys(b[part]))
        expect(await a[part][name].data(), `${part} ${name}`).to.deep.equal(await b[part][name].data());
    }
    await cancelled.dispose();
    await plain.dispose();
  });

  it('refuses data that does not fit', async () => {
    const data = under('data.');
    const failure = async (shards) => native.createGanTrainer(settings('lsft'), 'cpu', shards).catch((error) => error);
    expect(await failure([{ image: data.image, conditions: data.conditions }])).to.include({ code: 'ERR_FORMAT' });
    const empty = await native
      .createGanTrainer(settings('lsft', { batchSize: 0 }), 'cpu', [data])
      .catch((error) => error);
    expect(empty)
      .to.include({ code: 'ERR_OPTION' })
      .and.have.property('message')
      .that.matches(/batchSize is 0/);
    expect((await failure([{ ...data, conditions: data.target }])).message).to.match(
      /'conditions' has shape \[1, 16, 16\], expected \[2,16,16\]/,
    );
  });
});
