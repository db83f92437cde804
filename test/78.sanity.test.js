// Sanity checks (METHOD §9): weights that begin anew layer by layer, another class, and what they catch.
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import {
  Cnn,
  CnnBuilder,
  createMethod,
  Generator,
  memory,
  METHOD_NAMES,
  METHODS,
  readSafetensors,
  small,
  Tensor,
} from '../dist/index.js';
import { sanityChecks } from '../dist/evaluate/sanity.js';
import { RandomisedCnns, randomisationStages } from '../dist/evaluate/sanity_stages.js';
import { native } from '../dist/native.js';
import { error, f32, rejection, uniform } from './support/arrays.js';

const SIZE = 16;
const PIXELS = SIZE * SIZE;

/** A way to explain, as the checks take it. */
const method = (name, kind, explain) => ({ name, label: name, kind, source: 'this test', settings: {}, explain });

const gradcam = method('gradcam', 'cam', async ({ cnn, images, target, signal }) => {
  const { height, width } = cnn.spec.input;
  const options = { target, maps: false, conditions: 0, size: [height, width], signal };
  const { logits, probabilities, targetMap } = await cnn.explain(images, options);
  logits.dispose();
  probabilities.dispose();
  return targetMap;
});

/** The images' mean over channels, whatever the CNN. */
const brightness = method('luminance', 'baseline', async ({ images }) => {
  const [n, , height, width] = images.shape;
  const values = await images.data();
  const area = height * width;
  const mean = (i, pixel) => [0, 1, 2].reduce((sum, c) => sum + values[(3 * i + c) * area + pixel], 0) / 3;
  return f32(
    Array.from({ length: n * area }, (_, at) => mean(Math.floor(at / area), at % area)),
    [n, 1, height, width],
  );
});

/** Noise that depends on the seed and the image's index alone, as the contract has it. */
const noise = method('random', 'baseline', async ({ images, seed, first }) => {
  const [n] = images.shape;
  const rows = Array.from({ length: n }, (_, i) => uniform(1000 * seed + first + i, PIXELS, 0, 1));
  return f32(rows.flat(), [n, 1, SIZE, SIZE]);
});

const someImages = (count, seed = 1) => f32(uniform(seed, count * 3 * PIXELS, 0, 1), [count, 3, SIZE, SIZE]);

/** Colours → 3 channels (the tap) → mean over the picture → 4 logits: Grad-CAM at the tap is relu(Σ_c W[t, c]·A_c), min–max normalised. */
async function linearCnn() {
  const net = new CnnBuilder({ channels: 3, height: SIZE, width: SIZE });
  const tap = net.add('conv2d', net.input, { filters: 3, kernel: 1 }, 'mix');
  const output = net.add('linear', net.add('globalAvgPool2d', tap), { units: 4 }, 'logits');
  return Cnn.create(net.build(output), { device: 'cpu', seed: 5 });
}

async function valuesOf(cnn) {
  const state = await cnn.stateDict();
  const values = Object.fromEntries(
    await Promise.all(Object.entries(state).map(async ([name, tensor]) => [name, [...(await tensor.data())]])),
  );
  for (const tensor of Object.values(state)) tensor.dispose();
  return values;
}

async function linearMap(cnn, image, target) {
  const { 'mix.weight': mix, 'mix.bias': bias, 'logits.weight': weights } = await valuesOf(cnn);
  const raw = Array.from({ length: PIXELS }, (_, pixel) => {
    let sum = 0;
    for (let c = 0; c < 3; c++) {
      const activation = [0, 1, 2].reduce((a, i) => a + mix[3 * c + i] * image[i * PIXELS + pixel], bias[c]);
      sum += weights[3 * target + c] * activation;
    }
    return Math.max(0, sum);
  });
  const [low, high] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((value) => (high > low ? (value - low) / (high - low) : 0));
}

function pearson(a, b) {
  const mean = (values) => values.reduce((x, y) => x + y, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const [da, db] = [a.map((v) => v - ma), b.map((v) => v - mb)];
  const dot = (x, y) => x.reduce((sum, v, i) => sum + v * y[i], 0);
  const scale = Math.sqrt(dot(da, da) * dot(db, db));
  return scale === 0 ? 0 : dot(da, db) / scale;
}

describe('Stages of randomisation', () => {
  const layers = (kernels) => kernels.map((kernel, i) => ({ name: `${kernel ? 'conv' : 'norm'}${i}`, kernel }));

  it('go from the logits down, each kernel with the norms that follow it', () => {
    const stages = randomisationStages(layers([false, true, false, true, false, false, true]), 8);
    expect(stages).to.deep.equal([
      { label: 'conv6', layers: ['conv6'], share: 1 / 3 },
      { label: 'conv3', layers: ['norm5', 'norm4', 'conv3'], share: 2 / 3 },
      { label: 'conv1', layers: ['norm2', 'conv1', 'norm0'], share: 1 },
    ]);
    expect(
      randomisationStages(layers(new Array(15).fill(true)), 8).map(({ share }) => Math.round(15 * share)),
    ).to.deep.equal([1, 3, 5, 7, 9, 11, 13, 15]);
    expect(randomisationStages(layers([true, true, true]), 1)).to.have.length(1);
    expect(() => randomisationStages([], 3)).to.throw(/has no weights/);
  });

  it('take every layer once, the logits alone first, and all in the end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (kinds, count) => {
          fc.pre(kinds.includes(true));
          const all = layers(kinds);
          const stages = randomisationStages(all, count);
          expect(stages.flatMap((stage) => stage.layers)).to.deep.equal(all.map(({ name }) => name).reverse());
          expect(stages.length).to.equal(Math.min(count, kinds.filter(Boolean).length));
          expect(stages.at(-1).share).to.equal(1);
          if (stages.length > 1) expect(stages[0].layers.filter((name) => name.startsWith('conv'))).to.have.length(1);
          for (const [i, { share }] of stages.entries()) expect(share).to.be.above(stages[i - 1]?.share ?? 0);
        },
      ),
    );
  });
});

describe('A CNN whose weights begin anew', () => {
  const images = someImages(3);
  let cnn;
  before(async () => {
    cnn = await Cnn.create(small({ classes: 3, size: SIZE, width: 4 }), { device: 'cpu', seed: 0 });
    // Norms and biases as training leaves them.
    const state = await cnn.stateDict();
    for (const [i, [name, tensor]] of Object.entries(state).entries())
      if (/norm|bias/.test(name)) state[name] = f32(uniform(i, tensor.shape[0], 0.5, 1.5), tensor.shape);
    await cnn.loadStateDict(state);
  });
  after(() => cnn.dispose());
  const logits = async (of) => [...(await (await of.predict(images)).logits.data())];

  it('draws the chosen layers alone, and leaves the CNN as it was', async () => {
    const [before, weights] = [await logits(cnn), await valuesOf(cnn)];
    const copy = await cnn.randomised(['stage3.1.b.conv', 'stage3.1.b.norm', 'logits'], 7);
    const drawn = await valuesOf(copy);
    for (const [name, values] of Object.entries(weights)) {
      const chosen = /^(stage3\.1\.b|logits)\b/.test(name);
      if (!chosen) expect(drawn[name], name).to.deep.equal(values);
      else
        expect(
          drawn[name].filter((value, i) => value === values[i]),
          name,
        ).to.have.length(0);
    }
    const fresh = (name) => new Set(drawn[`stage3.1.b.norm.${name}`]);
    expect([fresh('weight'), fresh('bias'), fresh('running_mean'), fresh('running_var')]).to.deep.equal(
      [1, 0, 0, 1].map((value) => new Set([value])),
    );
    // He normal: N(0, 2/fan_in), here of 16 channels of 3×3.
    const kernel = drawn['stage3.1.b.conv.weight'];
    const variance = kernel.reduce((sum, value) => sum + value ** 2, 0) / kernel.length;
    expect(variance).to.be.closeTo(2 / (16 * 9), 0.1 * (2 / 144));
    expect(await logits(copy)).to.not.deep.equal(before);
    copy.dispose();
    expect(await logits(cnn)).to.deep.equal(before);
    expect(await valuesOf(cnn)).to.deep.equal(weights);
  });

  it('draws by seed and layer, not by what else is drawn', async () => {
    const [all, other] = [await RandomisedCnns.make(cnn, 100, 1), await RandomisedCnns.make(cnn, 3, 2)];
    const direct = await cnn.randomised(
      (await native.weightedLayers(cnn.native)).map(({ name }) => name),
      1,
    );
    const [chained, atOnce, elsewhere] = await Promise.all([all.cnns.at(-1), direct, other.cnns.at(-1)].map(valuesOf));
    expect(atOnce).to.deep.equal(chained);
    expect(elsewhere['stem.conv.weight']).to.not.deep.equal(chained['stem.conv.weight']);
    expect(all.cnns).to.have.length(16);
    for (const one of [all, other, direct]) one.dispose();
  });

  it('shares no weight with it once all are new, and all others before', async () => {
    const own = await Cnn.create(small({ classes: 3, size: SIZE, width: 4 }), { device: 'cpu', seed: 0 });
    const randomised = await RandomisedCnns.make(own, 2, 0);
    const [first, last] = randomised.cnns;
    const [firstBefore, lastBefore] = [await logits(first), await logits(last)];
    const [ownWeights, lastWeights] = [await valuesOf(own), await valuesOf(last)];
    // The same seed made the CNN itself.
    for (const [name, values] of Object.entries(ownWeights))
      if (/conv\.weight|logits\.weight/.test(name))
        expect(
          values.filter((value, i) => value === lastWeights[name][i]),
          name,
        ).to.have.length(0);
    const zeros = Object.fromEntries(
      Object.entries(await own.stateDict()).map(([name, { shape }]) => [
        name,
        f32(new Array(shape.reduce((a, b) => a * b, 1)).fill(0), shape),
      ]),
    );
    await own.loadStateDict(zeros);
    expect(await logits(first)).to.not.deep.equal(firstBefore);
    expect(await logits(last)).to.deep.equal(lastBefore);
    randomised.dispose();
    own.dispose();
  });

  it('draws a weight that two layers share once', async () => {
    const net = new CnnBuilder({ channels: 3, height: SIZE, width: SIZE });
    const conv = net.add('conv2d', net.input, { filters: 3, kernel: 3, padding: 'same' }, 'twice');
    const spec = net.build(net.add('linear', net.add('globalAvgPool2d', conv), { units: 2 }, 'logits'));
    const [first] = spec.nodes;
    const again = { ...first, name: 'again', inputs: ['twice'], weights: 'twice' };
    const nodes = [
      first,
      again,
      ...spec.nodes
        .slice(1)
        .map((node) => ({ ...node, inputs: node.inputs.map((i) => (i === 'twice' ? 'again' : i)) })),
    ];
    const shared = await Cnn.create({ ...spec, nodes }, { device: 'cpu', seed: 1 });
    expect(await native.weightedLayers(shared.native)).to.deep.equal([
      { name: 'twice', kernel: true },
      { name: 'logits', kernel: true },
    ]);
    const copy = await shared.randomised(['twice'], 0);
    const plain = await Cnn.create({ ...spec, nodes }, { device: 'cpu', seed: 1 });
    await plain.loadStateDict(await copy.stateDict());
    expect(await logits(copy)).to.deep.equal(await logits(plain));
    expect(await logits(copy)).to.not.deep.equal(await logits(shared));
  });

  it('takes no weights, and says which layers there are not', async () => {
    const copy = await cnn.randomised(['logits'], 0);
    const refused = await rejection(copy.loadStateDict(await cnn.stateDict()));
    expect(refused).to.include({
      code: 'ERR_OPTION',
      message: 'this network shares weights with another, and takes none',
    });
    const unknown = await rejection(cnn.randomised(['logit', 'stem.conv'], 0));
    expect(unknown).to.include({ code: 'ERR_OPTION', message: "'logit' is not a node with weights of its own" });
    expect((await rejection(cnn.randomised(['stem.relu'], 0))).message).to.match(/'stem\.relu' is not a node/);
  });
});

describe('A TorchScript model whose weights begin anew', () => {
  const input = { channels: 3, height: 20, width: 16 };
  const preprocessing = { mean: [0.4, 0.5, 0.3], std: [0.25, 0.3, 0.2] };
  const images = f32(uniform(5, 2 * 3 * 320, 0, 1), [2, 3, 20, 16]);
  const logits = async (of) => [...(await (await of.predict(images)).logits.data())];
  let script;
  let spec;
  before(async () => {
    script = await Cnn.load('test/fixtures/methods.pt', { device: 'cpu', input, preprocessing });
    spec = await Cnn.load('test/fixtures/methods.weights.safetensors', { device: 'cpu' });
  });
  after(() => {
    script.dispose();
    spec.dispose();
  });

  it('is changed layer by layer as its spec is, in the order in which it runs', async () => {
    const layers = await native.weightedLayers(script.native);
    expect(layers).to.deep.equal(
      ['conv1', 'bn1', 'conv2', 'conv3', 'conv4', 'fc'].map((name) => ({ name, kernel: name !== 'bn1' })),
    );
    const [own, before] = [await valuesOf(script), await logits(script)];
    const randomised = await RandomisedCnns.make(script, 8, 3);
    expect(randomised.stages.map(({ label }) => label)).to.deep.equal(['fc', 'conv4', 'conv3', 'conv2', 'conv1']);
    const specNames = Object.keys(await spec.stateDict());
    for (const [stage, copy] of randomised.cnns.entries()) {
      const drawn = await copy.stateDict();
      const values = await valuesOf(copy);
      const fresh = randomised.stages.slice(0, stage + 1).flatMap((one) => one.layers);
      for (const [name, old] of Object.entries(own)) {
        if (!fresh.includes(name.split('.')[0])) expect(values[name], name).to.deep.equal(old);
        else if (/(conv.|fc)\.weight/.test(name))
          expect(values[name].filter((value, i) => value === old[i])).to.have.length(0);
      }
      // The same weights in the spec give the same logits.
      const twin = await Cnn.load('test/fixtures/methods.weights.safetensors', { device: 'cpu' });
      await twin.loadStateDict(Object.fromEntries(specNames.map((name) => [name, drawn[name]])));
      expect(await error(await logits(copy), await logits(twin)), `stage ${stage}`).to.be.below(1e-5);
      twin.dispose();
    }
    const last = await valuesOf(randomised.cnns.at(-1));
    const reset = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => new Set(last[`bn1.${name}`]));
    expect(reset).to.deep.equal([1, 0, 0, 1].map((value) => new Set([value])));
    randomised.dispose();
    expect(await logits(script)).to.deep.equal(before);
    expect(await valuesOf(script)).to.deep.equal(own);
  });

  it('has no file of its own, and is refused where its weights are constants', async () => {
    const copy = await script.randomised(['fc'], 0);
    expect((await rejection(copy.save(join(tmpdir(), 'never.safetensors')))).message).to.match(
      /drawn anew has no file of its own/,
    );
    copy.dispose();
    const frozen = await Cnn.load('test/fixtures/frozen.pt', { device: 'cpu', input: 16 });
    const refused = await rejection(sanityChecks({ cnn: frozen, methods: [gradcam], images: someImages(2) }));
    expect(refused).to.include({
      code: 'ERR_FORMAT',
      message:
        'the weight of a conv2d is a constant of the graph, as in a frozen model, and cannot be drawn anew: export the model without torch.jit.freeze',
    });
    frozen.dispose();
  });

  it('tells of every method whether it looks at the CNN and at the class', async () => {
    const { tensors: io } = await readSafetensors('test/fixtures/methods.io.safetensors');
    const quick = { rise: { masks: 20 }, smoothGrad: { samples: 3 }, integratedGradients: { steps: 3 } };
    const methods = METHOD_NAMES.map((name) => createMethod(name, quick[name] ?? {}));
    for (const cnn of [spec, script]) {
      const found = (await sanityChecks({ cnn, methods, images: io.images, target: io.target, stages: 3 })).methods;
      expect(found.map(({ name }) => name)).to.deep.equal([...METHOD_NAMES]);
      for (const { name, kind, modelRandomisation, randomLogit, verdict } of found) {
        const [last, same] = [modelRandomisation.stages.at(-1), { mean: 1, low: 1, high: 1 }];
        expect(kind).to.equal(METHODS[name].kind);
        expect(modelRandomisation.stages.map(({ label, share }) => [label, share])).to.deep.equal([
          ['fc', 0.2],
          ['conv3', 0.6],
          ['conv1', 1],
        ]);
        if (['luminance', 'sobel', 'random'].includes(name)) {
          expect([last.pearson, last.ssim, randomLogit.pearson], name).to.deep.equal([same, same, same]);
          expect(verdict).to.match(/^a baseline: ignores the CNN/);
          // Exactly 1 is theirs alone; rise comes near it here, as the mean of its few masks shows where the network is nearly indifferent.
        } else expect(last.pearson.mean, name).to.be.below(name === 'rise' ? 1 : 0.95);
        // Principal components of the activations know no class.
        if (name === 'eigencam') expect(randomLogit).to.deep.include({ passed: false, pearson: same });
      }
    }
  });
});

describe('Sanity checks', () => {
  const images = someImages(10);
  let cnn;
  before(async () => (cnn = await linearCnn()));
  after(() => cnn.dispose());

  it('are the similarities of maps that can be computed by hand', async () => {
    const seed = 3;
    const result = await sanityChecks({ cnn, methods: [gradcam], images, seed, batchSize: 4 });
    const [{ modelRandomisation, randomLogit }] = result.methods;
    expect(modelRandomisation.stages.map(({ label, share }) => [label, share])).to.deep.equal([
      ['logits', 0.5],
      ['mix', 1],
    ]);
    const pixels = [...(await images.data())];
    const one = (i) => pixels.slice(3 * PIXELS * i, 3 * PIXELS * (i + 1));
    const { predicted } = await cnn.predict(images);
    const randomised = await RandomisedCnns.make(cnn, 8, seed);
    for (const [stage, copy] of randomised.cnns.entries()) {
      const rs = await Promise.all(
        predicted.map(async (t, i) => pearson(await linearMap(copy, one(i), t), await linearMap(cnn, one(i), t))),
      );
      const { pearson: found } = modelRandomisation.stages[stage];
      expect(found.mean).to.be.closeTo(rs.reduce((a, b) => a + b) / rs.length, 1e-5);
      expect(found.low)
        .to.be.at.most(found.mean)
        .and.at.least(Math.min(...rs) - 1e-5);
      expect(found.high)
        .to.be.at.least(found.mean)
        .and.at.most(Math.max(...rs) + 1e-5);
    }
    randomised.dispose();
    // Whatever the other class, its map is one of three.
    const bounds = await Promise.all(
      predicted.map(async (t, i) => {
        const own = await linearMap(cnn, one(i), t);
        const others = [0, 1, 2, 3].filter((c) => c !== t);
        return Promise.all(others.map(async (c) => pearson(await linearMap(cnn, one(i), c), own)));
      }),
    );
    const total = (pick) => bounds.reduce((sum, row) => sum + pick(...row), 0) / bounds.length;
    expect(randomLogit.pearson.mean).to.be.within(total(Math.min) - 1e-5, total(Math.max) + 1e-5);
  });

  it('find that what does not look at the CNN stays exactly the same', async () => {
    const { methods } = await sanityChecks({ cnn, methods: [brightness, noise], images });
    for (const { kind, modelRandomisation, randomLogit, verdict } of methods) {
      expect(kind).to.equal('baseline');
      for (const change of [...modelRandomisation.stages, randomLogit]) {
        expect(change.pearson).to.deep.equal({ mean: 1, low: 1, high: 1 });
        expect(change.ssim).to.deep.equal({ mean: 1, low: 1, high: 1 });
      }
      expect(modelRandomisation).to.deep.include({ passed: false, flags: [] });
      expect(randomLogit).to.deep.include({ passed: false, flags: [] });
      expect(verdict).to.equal(
        'a baseline: ignores the CNN: its map stays the same (Pearson 1.00 to its former self once all weights are new); ' +
          "ignores the class (Pearson 1.00 to another class's map)",
      );
    }
  });

  it('catch a generator that redraws the image, and pass one that listens', async () => {
    const config = { variant: 'lsft', conditions: 1, width: 4, conditionWidth: 4, conditionFeatures: 4 };
    const base = await Generator.create(config, { device: 'cpu', seed: 2 });
    // Without scales and shifts, what is drawn depends on the image alone.
    const deaf = await base.stateDict();
    for (const [name, { shape }] of Object.entries(deaf))
      if (/sft/.test(name)) deaf[name] = f32(new Array(shape.reduce((a, b) => a * b, 1)).fill(0), shape);
    const redraws = await Generator.from(base.config, deaf, { device: 'cpu' });
    const drawn = (generator) => async (request) => {
      const conditions = await gradcam.explain(request);
      try {
        // Bright enough not to be cut off at 0 and 1.
        const raw = await generator.explain(request.images, conditions, { raw: true });
        const values = await raw.data();
        const stretched = values.map((value) => 1 / (1 + Math.exp(-value)));
        return Tensor.from(stretched, raw.shape);
      } finally {
        conditions.dispose();
      }
    };
    const generator = await linearCnn();
    const { methods } = await sanityChecks({
      cnn: generator,
      methods: [
        method('lsft:redraws', 'generator', drawn(redraws)),
        method('lsft:copies', 'generator', gradcam.explain),
      ],
      images,
      seed: 1,
    });
    const [faked, honest] = methods;
    expect(faked.modelRandomisation.passed).to.equal(false);
    expect(faked.modelRandomisation.stages.at(-1).pearson.mean).to.equal(1);
    expect(faked.verdict).to.match(/^ignores the CNN: its map stays the same/);
    expect(honest.modelRandomisation.stages.at(-1).pearson.mean).to.be.below(1);
    expect(honest.verdict).to.not.match(/ignores the CNN/);
    for (const one of [base, redraws, generator]) one.dispose();
  });

  it('do not depend on batches, and draw each image its own other class', async () => {
    const seen = new Map();
    const watched = method('watched', 'cam', async (request) => {
      const classes = Array.from(await request.target.data(), Number);
      if (request.cnn === cnn)
        classes.forEach((c, i) => seen.set(request.first + i, [...(seen.get(request.first + i) ?? []), c]));
      return gradcam.explain(request);
    });
    const whole = await sanityChecks({ cnn, methods: [watched, noise], images, seed: 4 });
    const classes = new Map(seen);
    for (const [own, other] of classes.values()) expect([0, 1, 2, 3].filter((c) => c !== own)).to.include(other);
    expect(new Set([...classes.values()].map(([, other]) => other)).size).to.be.above(1);
    seen.clear();
    const parts = await sanityChecks({ cnn, methods: [watched, noise], images, seed: 4, batchSize: 3 });
    expect(seen).to.deep.equal(classes);
    for (const [a, b] of whole.methods.map((one, i) => [one, parts.methods[i]])) {
      expect(a.verdict).to.equal(b.verdict);
      const numbers = ({ modelRandomisation, randomLogit }) =>
        [...modelRandomisation.stages, randomLogit].flatMap(({ pearson: r, ssim }) => [
          r.mean,
          r.low,
          r.high,
          ssim.mean,
        ]);
      expect(await error(numbers(a), numbers(b))).to.be.below(1e-5);
    }
    // The second half by itself, told where it lies.
    seen.clear();
    await sanityChecks({ cnn, methods: [watched], images: native.rows(images, 5, 10), seed: 4, first: 5 });
    for (const [index, drawn] of seen) expect(drawn).to.deep.equal(classes.get(index));
    expect(seen.size).to.equal(5);
  });

  it('are passed below 0.3 for new weights and below 0.7 for another class, and failed above', async () => {
    const { predicted } = await cnn.predict(images);
    // Two waves that do not correlate, of one strength: cos φ·a + sin φ·b correlates with a by cos φ.
    const angle = (pixel) => (2 * Math.PI * pixel) / PIXELS;
    const wave = (r) =>
      Array.from({ length: PIXELS }, (_, pixel) =>
        0.5 + 0.3 * (r * Math.sin(angle(pixel)) + Math.sqrt(1 - r * r) * Math.cos(angle(pixel)))); // prettier-ignore
    const correlating = (byWeights, byClass) =>
      method('wave', 'generator', async (request) => {
        const classes = Array.from(await request.target.data(), Number);
        const of = (c, i) => (request.cnn !== cnn ? byWeights : c === predicted[request.first + i] ? 1 : byClass);
        return f32(classes.flatMap((c, i) => wave(of(c, i))), [classes.length, 1, SIZE, SIZE]); // prettier-ignore
      });
    const methods = [correlating(0.29, 0.69), correlating(0.31, 0.71)].map((one, i) => ({ ...one, name: `wave-${i}` }));
    const result = await sanityChecks({ cnn, methods, images });
    expect(result.settings.thresholds).to.deep.equal({ modelRandomisation: 0.3, randomLogit: 0.7 });
    const [below, above] = result.methods;
    expect(below.modelRandomisation.stages.at(-1).pearson.mean).to.be.closeTo(0.29, 1e-5);
    expect(below.randomLogit.pearson.mean).to.be.closeTo(0.69, 1e-5);
    expect(below).to.have.nested.property('modelRandomisation.passed', true);
    expect(below).to.have.nested.property('randomLogit.passed', true);
    expect(below.verdict).to.equal(
      'depends on the CNN (Pearson 0.29 to its former self once all weights are new); ' +
        "depends on the class (Pearson 0.69 to another class's map)",
    );
    expect(above).to.have.nested.property('modelRandomisation.passed', false);
    expect(above).to.have.nested.property('randomLogit.passed', false);
    expect(above.verdict).to.match(/^hardly depends on the CNN \(.*\); hardly depends on the class \(/);
  });

  it('count maps that are constant, as dissimilar', async () => {
    const blank = method('blank', 'gradient', async ({ images: { shape } }) =>
      f32(new Array(shape[0] * PIXELS).fill(0), [shape[0], 1, SIZE, SIZE]),
    );
    const [{ modelRandomisation, verdict }] = (await sanityChecks({ cnn, methods: [blank], images })).methods;
    expect(modelRandomisation.stages.at(-1)).to.deep.include({
      undefined: 10,
      pearson: { mean: 0, low: 0, high: 0 },
      ssim: { mean: 0, low: 0, high: 0 },
    });
    expect(modelRandomisation).to.deep.include({ passed: true, flags: ['undefined'] });
    expect(verdict).to.match(/^says little: 10 maps are constant/);
  });

  it('flag a map that turns inside out, and one that chance could turn', async () => {
    const turned = method('turned', 'cam', async (request) => {
      const maps = await brightness.explain(request);
      if (request.cnn === cnn) return maps;
      return Tensor.from(
        (await maps.data()).map((value) => 1 - value),
        maps.shape,
      );
    });
    const [inverted] = (await sanityChecks({ cnn, methods: [turned], images })).methods;
    expect(inverted.modelRandomisation.stages[0].pearson.mean).to.be.closeTo(-1, 1e-6);
    expect(inverted.modelRandomisation).to.deep.include({ passed: true, flags: ['inverted'] });
    // Two images of ten keep their map, the others get noise: a mean of about 0.2, give or take 0.25.
    const mixed = method('mixed', 'cam', async (request) => {
      const [maps, other] = [await brightness.explain(request), await noise.explain(request)];
      if (request.cnn === cnn) return maps;
      const [kept, lost] = [await maps.data(), await other.data()];
      return Tensor.from(
        kept.map((value, i) => (i < 2 * PIXELS ? value : lost[i])),
        maps.shape,
      );
    });
    const [unclear] = (await sanityChecks({ cnn, methods: [mixed], images })).methods;
    expect(unclear.modelRandomisation).to.deep.include({ passed: true, flags: ['unclear'] });
    expect(unclear.verdict).to.match(/; more images could turn this$/);
  });

  it('have no other class where there is one logit', async () => {
    const net = new CnnBuilder({ channels: 3, height: SIZE, width: SIZE });
    const conv = net.add('conv2d', net.input, { filters: 4, kernel: 3 });
    const one = await Cnn.create(net.build(net.add('linear', net.add('globalAvgPool2d', conv), { units: 1 })), {
      device: 'cpu',
    });
    const [found] = (await sanityChecks({ cnn: one, methods: [gradcam], images })).methods;
    expect(found).to.not.have.property('randomLogit');
    expect(found.verdict).to.match(/there is no other class to explain$/);
    one.dispose();
  });

  it('report progress, end when they are told to, and keep nothing', async () => {
    const events = [];
    const before = memory().tensors;
    await sanityChecks({
      cnn,
      methods: [gradcam, brightness],
      images,
      stages: 2,
      batchSize: 6,
      onProgress: (e) => events.push(e),
    });
    expect(memory().tensors).to.be.at.most(before);
    expect(events).to.have.length(2 * 2 * 4);
    expect(events.at(-1)).to.deep.equal({ done: 80, total: 80 });
    const controller = new AbortController();
    const onProgress = ({ done }) => done > 20 && controller.abort();
    const aborted = await rejection(
      sanityChecks({ cnn, methods: [gradcam], images, batchSize: 5, onProgress, signal: controller.signal }),
    );
    expect(aborted.code).to.equal('ERR_ABORTED');
    expect(memory().tensors).to.be.at.most(before);
  });

  it('say what does not fit', async () => {
    const refused = async (options) =>
      (await rejection(sanityChecks({ cnn, methods: [gradcam], images, ...options }))).message;
    expect(await refused({ stage: 3 })).to.match(/unknown name 'stage'; did you mean 'stages'/);
    expect(await refused({ methods: [] })).to.match(/methods/);
    expect(await refused({ methods: ['gradcam'] })).to.match(/expected methods as createMethod makes them/);
    expect(await refused({ target: f32([1], [1]) })).to.equal(
      'sanity: target must be int64 [10], one class for each image, got float32 [1]',
    );
    expect(await refused({ images: f32([1], [1]) })).to.match(/images must be \[n, C, H, W\]/);
  });
});
