// The same map whatever the batch, the call or the company; any class for each image; layers that are called twice or lead nowhere.
import { expect } from 'chai';

import { Cnn, CnnBuilder, Tensor, memory } from '../dist/index.js';
import { error, f32, rejection, uniform } from './support/arrays.js';
import { collectGarbage } from './support/garbage.js';
import { disposeAll, smallCnn, someImages } from './support/small-cnn.js';

const FIELDS = ['logits', 'probabilities', 'maps', 'cumulative', 'targetMap'];

describe('Explaining a batch', () => {
  const count = 5;
  const images = someImages(count);
  let cnn;

  before(async () => {
    cnn = await smallCnn();
  });

  it('gives what its images give alone, and whatever the batch size', async () => {
    const pixels = await images.data();
    const whole = await cnn.explain(images, {});
    const alone = [];
    for (let n = 0; n < count; n++) {
      alone.push(await cnn.explain(f32(pixels.slice(n * 3072, (n + 1) * 3072), [1, 3, 32, 32]), {}));
    }
    const pairs = await cnn.explain(images, { batchSize: 2 });
    for (const field of FIELDS) {
      const joined = (await Promise.all(alone.map((one) => one[field].data()))).flatMap((data) => [...data]);
      expect(await error(whole[field], joined), field).to.be.below(2e-5);
      expect(await error(pairs[field], joined), field).to.be.below(2e-5);
    }
    expect(whole.predicted).to.deep.equal(alone.flatMap(({ predicted }) => predicted));
  });

  it('gives the same bits at the first and the hundredth call, and leaves nothing behind', async () => {
    const first = await cnn.explain(images, {});
    await collectGarbage();
    const before = memory().tensors;
    for (let call = 2; call < 100; call++) disposeAll(await cnn.explain(images, {}));
    const hundredth = await cnn.explain(images, {});
    for (const field of FIELDS) {
      expect(
        Buffer.from((await first[field].data()).buffer).equals(Buffer.from((await hundredth[field].data()).buffer)),
        field,
      ).to.equal(true);
    }
    disposeAll(hundredth);
    expect(memory().tensors).to.equal(before);
  });

  it('never draws over maps that it has returned, though calls lend the memory of maps to activations', async () => {
    const [many, others] = [someImages(64), someImages(96)];
    const expected = [];
    for (const batch of [many, others]) {
      const one = await cnn.explain(batch, {});
      expected.push((await one.maps.data()).slice());
      disposeAll(one);
    }
    const kept = await cnn.explain(many, {});
    const together = await Promise.all([cnn.explain(others, {}), cnn.explain(many, {}), cnn.explain(others, {})]);
    const [large, small, again] = together;
    for (const [maps, whose] of [
      [kept.maps, 0],
      [large.maps, 1],
      [small.maps, 0],
      [again.maps, 1],
    ]) {
      expect(await error(maps, expected[whose])).to.equal(0);
    }
    for (const one of [kept, ...together]) disposeAll(one);
  });

  it('gives the same target map when nothing else is asked for, which takes the passes no further than its tap', async () => {
    const all = await cnn.explain(images, { conditions: 0 });
    const size = 32 * 32;
    const maps = await all.maps.data();
    for (const [tap, name] of cnn.taps.entries()) {
      const alone = await cnn.explain(images, { maps: false, conditions: 0, targetTap: name });
      const expected = Float32Array.from(
        { length: count * size },
        (_, i) => maps[(Math.floor(i / size) * cnn.taps.length + tap) * size + (i % size)],
      );
      expect(await error(alone.targetMap, expected), name).to.equal(0);
    }
  });

  it('takes the predicted class, one for all, or one for each image', async () => {
    const predicted = await cnn.explain(images, {});
    expect(predicted.targetClass).to.deep.equal(predicted.predicted);
    const classes = [4, 0, 2, 2, 1];
    const each = await cnn.explain(images, { target: classes });
    expect(each.targetClass).to.deep.equal(classes);
    const asTensor = await cnn.explain(images, { target: Tensor.from(BigInt64Array.from(classes, BigInt), [count]) });
    expect(await error(asTensor.maps, each.maps)).to.equal(0);
    const pixels = 3 * 32 * 32;
    const maps = await each.maps.data();
    for (const target of new Set(classes)) {
      const all = await (await cnn.explain(images, { target })).maps.data();
      classes.forEach((own, n) => {
        if (own !== target) return;
        expect([...maps.slice(n * pixels, (n + 1) * pixels)]).to.deep.equal([
          ...all.slice(n * pixels, (n + 1) * pixels),
        ]);
      });
    }
  });

  it('takes bytes as it takes floats, and pictures by Buffer', async () => {
    const bytes = Uint8Array.from(uniform(1, count * 3072, 0, 256), Math.floor);
    const fromBytes = await cnn.predict(Tensor.from(bytes, [count, 3, 32, 32]));
    const fromFloats = await cnn.predict(
      f32(
        Array.from(bytes, (v) => v / 255),
        [count, 3, 32, 32],
      ),
    );
    expect(await error(fromBytes.logits, fromFloats.logits)).to.be.below(1e-6);
    const sharp = (await import('sharp')).default;
    const hwc = Uint8Array.from({ length: 3072 }, (_, i) => bytes[(i % 3) * 1024 + Math.floor(i / 3)]);
    const png = await sharp(hwc, { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toBuffer();
    const { logits } = await cnn.predict([png, png]);
    const wanted = [...(await fromBytes.logits.data()).slice(0, 5)];
    expect(await error(logits, [...wanted, ...wanted])).to.be.below(1e-5);
  });

  it('gives maps as the method does without normalising, of which the normalised are the min–max', async () => {
    const raw = await cnn.explain(images, { normalise: false, conditions: 0, excludeTarget: false });
    const normalised = await cnn.explain(images, { conditions: 0, excludeTarget: false });
    const [values, expected] = [await raw.maps.data(), await normalised.maps.data()];
    expect(Math.max(...values)).to.not.be.closeTo(1, 1e-3);
    for (let map = 0; map * 1024 < values.length; map++) {
      const one = values.subarray(map * 1024, (map + 1) * 1024);
      const [low, high] = [Math.min(...one), Math.max(...one)];
      const stretched = one.map((value) => (high > low ? (value - low) / (high - low) : 0));
      expect(await error(stretched, expected.subarray(map * 1024, (map + 1) * 1024))).to.be.below(1e-5);
    }
    const refused = await rejection(cnn.explain(images, { normalise: false }));
    expect([refused.code, refused.message]).to.deep.equal([
      'ERR_OPTION',
      'explain: cumulative averages are of normalised maps; normalise: false needs conditions: 0',
    ]);
  });

  it('says what is wrong with an argument', async () => {
    const cases = [
      [() => cnn.explain(images, { target: [0, 1] }), 'ERR_SHAPE', /int64 \[5\], one for each image/],
      [() => cnn.explain(images, { target: 5 }), 'ERR_OPTION', /must lie in 0 … 4, got 5/],
      [() => cnn.explain(images, { target: -1 }), 'ERR_OPTION', /explain\.target/],
      [() => cnn.explain(images, { methd: 'gradcam' }), 'ERR_OPTION', /unknown name 'methd'; did you mean 'method'/],
      [() => cnn.explain(images, { method: 'gradcan' }), 'ERR_OPTION', /did you mean 'gradcam'/],
      [() => cnn.explain([1, 2, 3]), 'ERR_OPTION', /images must be a Tensor/],
      [() => cnn.predict(f32([1, 2, 3], [3])), 'ERR_SHAPE', /images must be \[N, C, H, W\]/],
      [() => cnn.predict(someImages(1, 16)), 'ERR_SHAPE', /images must be \[N, 3, 32, 32\], got \[1, 3, 16, 16\]/],
      [() => cnn.predict(Tensor.from(new BigInt64Array(3072), [1, 3, 32, 32])), 'ERR_SHAPE', /uint8 or floating point/],
    ];
    for (const [call, code, message] of cases) {
      const caught = await rejection(call());
      expect(caught.message).to.match(message);
      expect(caught.code).to.equal(code);
    }
  });

  it('ends at once when aborted, and says that a CNN was disposed of', async () => {
    expect((await rejection(cnn.explain(images, { signal: AbortSignal.abort() }))).code).to.equal('ERR_ABORTED');
    const gone = await smallCnn();
    gone.dispose();
    expect((await rejection(gone.predict(images))).code).to.equal('ERR_DISPOSED');
  });
});

describe('Taps', () => {
  const input = { channels: 2, height: 6, width: 6 };
  const image = f32(uniform(2, 72, 0, 1), [1, 2, 6, 6]);

  it('of a layer that is called twice are two, each with the gradient of its own call', async () => {
    const build = (shared) => {
      const net = new CnnBuilder(input);
      const conv = { filters: 2, kernel: 3, padding: 'same' };
      const first = net.add('relu', net.add('conv2d', net.input, conv, 'a'));
      const second = shared ? net.reuse('a', first, 'b') : net.add('conv2d', first, conv, 'b');
      return Cnn.create(net.build(net.add('linear', net.add('globalAvgPool2d', second), { units: 2 }, 'out')), {
        device: 'cpu',
        seed: 4,
      });
    };
    const shared = await build(true);
    const apart = await build(false);
    const weights = await shared.stateDict();
    await apart.loadStateDict({ ...weights, 'b.weight': weights['a.weight'], 'b.bias': weights['a.bias'] });
    const options = { target: 0, method: 'hirescam', conditions: 0 };
    const maps = [await shared.explain(image, options), await apart.explain(image, options)].map(
      (result) => result.maps,
    );
    expect(maps[0].shape).to.deep.equal([1, 2, 6, 6]);
    expect(await error(maps[0], maps[1])).to.equal(0);
  });

  it('that do not lead to the logits have maps of zeros', async () => {
    const net = new CnnBuilder(input);
    const used = net.add('conv2d', net.input, { filters: 2, kernel: 3 }, 'used');
    net.add('conv2d', net.input, { filters: 2, kernel: 3 }, 'unused');
    const cnn = await Cnn.create(net.build(net.add('linear', net.add('globalAvgPool2d', used), { units: 2 })), {
      device: 'cpu',
    });
    const data = await (await cnn.explain(image, { method: 'hirescam', conditions: 0 })).maps.data();
    expect(data.slice(36).every((value) => value === 0)).to.equal(true);
  });

  it('see the convolution, not what a relu behind it leaves', async () => {
    const net = new CnnBuilder(input);
    const conv = net.add('conv2d', net.input, { filters: 2, kernel: 1, bias: false }, 'conv');
    const out = net.add('linear', net.add('globalAvgPool2d', net.add('relu', conv)), { units: 1, bias: false }, 'out');
    const cnn = await Cnn.create(net.build(out, { taps: ['conv'] }), { device: 'cpu' });
    await cnn.loadStateDict({ 'conv.weight': f32([1, 0, -1, 0], [2, 2, 1, 1]), 'out.weight': f32([1, 1], [1, 2]) });
    // The second channel is −x, off behind the relu: Σ w·A with w = [1, 0] is x itself.
    const data = await (await cnn.explain(image, { conditions: 0 })).maps.data();
    const x = [...(await image.data())].slice(0, 36);
    const [low, high] = [Math.min(...x), Math.max(...x)];
    data.forEach((value, i) => expect(value).to.be.closeTo((x[i] - low) / (high - low), 1e-5));
  });
});
