// Every score of METHOD §9 on a batch of images, against its plain statement: one image and one changed picture at a time.
//   npm run bench:scores -- [--images 64] [--plain 2] [--size 64] [--steps 20] [--rounds 3] [--scores road,deletion] [--threads N] [--json]
import { parseArgs } from 'node:util';

import { Cnn, createMethod, createScorer, small, Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { describeMachine, machineLine, median, printPerImage, progress, timeInTurn } from './harness.mjs';
import { PlainImage } from './plain_scores.mjs';

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '64' },
    plain: { type: 'string', default: '2' }, // how many of the images the plain statement scores in a round
    size: { type: 'string', default: '64' },
    steps: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    scores: { type: 'string' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [count, size, steps, rounds] = ['images', 'size', 'steps', 'rounds'].map((name) => Number(options[name]));
const plainCount = Math.min(count, Number(options.plain));
if (options.threads) await native.setThreads(Number(options.threads));

const PASSES = 50; // of infidelity
const DRAWS = 10; // of max-sensitivity
const random = { seed: 0, first: 0 };
const area = size * size;

/** Images, a small CNN without preprocessing, and maps whose pixels all differ, so that ties play no part. */
async function makeWork() {
  const spec = small({ classes: ['a', 'b', 'c', 'd', 'e'], size });
  const cnn = await Cnn.create({ ...spec, preprocessing: {} }, { device: 'cpu', seed: 1 });
  const pixels = Float32Array.from({ length: count * 3 * area }, (_, i) => ((i * 2654435761) % 1009) / 1008);
  const images = Tensor.from(pixels, [count, 3, size, size]);
  const { logits, probabilities, predicted } = await cnn.predict(images);
  logits.dispose();
  probabilities.dispose();
  const target = Tensor.from(BigInt64Array.from(predicted, BigInt), [count]);
  const method = createMethod('gradcam');
  const own = await method.explain({ cnn, images, target, ...random });
  const values = Float32Array.from(await own.data(), (v, i) => 0.9 * v + (0.1 * ((i * 7919) % area)) / area);
  own.dispose();
  // A disc as mask, and a blend of the map with a ramp as target: what these scores cost does not depend on what they are told.
  const at = (i) => [Math.floor((i % area) / size) / size - 0.5, (i % size) / size - 0.5];
  const masks = Float32Array.from(values, (_, i) => (Math.hypot(...at(i)) < 0.35 ? 1 : 0));
  const others = values.map((v, i) => 0.7 * v + 0.3 * (at(i)[0] + 0.5));
  const shape = [count, 1, size, size];
  const tensors = {
    maps: Tensor.from(values, shape),
    masks: Tensor.from(masks, shape),
    targets: Tensor.from(others, shape),
  };
  return { cnn, images, target, predicted, method, pixels, values, masks, others, tensors };
}

/** The noise of every draw, as the scorer draws it. */
async function drawNoise({ images }) {
  const draws = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    const shaken = await native.shakeImages(images, { ...random, draw, radius: 0.02 });
    draws.push(await shaken.data());
    shaken.dispose();
  }
  return draws;
}

/** As many squares of the same kind; where they lie does not matter to the time. */
const squares = Array.from({ length: PASSES }, (_, i) => {
  const side = Math.floor(size / 8) + ((i * 7) % (Math.floor(size / 2) - Math.floor(size / 8) + 1));
  return [(i * 13) % (size - side + 1), (i * 29) % (size - side + 1), side];
});

/** Scores with what their plain statement is; `same` where both draw the same numbers, so that their values can be compared. */
function scoresOf({ method, masks, others }, draws) {
  const slice = (all, i) => all.slice(i * 3 * area, (i + 1) * 3 * area);
  const plane = (all, i) => all.slice(i * area, (i + 1) * area);
  return {
    deletion: { plain: (image) => image.deletion(steps), same: 1e-4 },
    insertion: { plain: (image) => image.insertion(steps), same: 1e-4 },
    road: { plain: (image) => image.road(), same: 1e-3 },
    avgDrop: { plain: (image) => image.avgDrop(), same: 1e-2 },
    avgIncrease: { plain: (image) => image.avgIncrease(), same: 0 },
    avgGain: { plain: (image) => image.avgGain(), same: 1e-2 },
    infidelity: { plain: (image) => image.infidelity(squares) },
    complexity: { plain: (image) => image.complexity(), same: 1e-5 },
    coherency: { plain: (image) => image.coherency(method, random), same: 1e-3 },
    maxSensitivity: {
      plain: (image, i) =>
        image.maxSensitivity(
          draws.map((all) => slice(all, i)),
          method,
          random,
        ),
      same: 1e-3,
    },
    adcc: { plain: (image) => image.adcc(method, random), same: 1e-3 },
    sparseness: { plain: (image) => image.sparseness(), same: 1e-4 },
    energyInMask: { plain: (image, i) => image.energyInMask(plane(masks, i)), same: 1e-5 },
    pointingGame: { plain: (image, i) => image.pointingGame(plane(masks, i)), same: 0 },
    iou: { plain: (image, i) => image.iou(plane(masks, i)), same: 1e-5 },
    mae: { plain: (image, i) => image.mae(plane(others, i)), same: 1e-5 },
    psnr: { plain: (image, i) => image.psnr(plane(others, i)), same: 1e-3 },
    ssim: { plain: (image, i) => image.ssim(plane(others, i)), same: 1e-4 },
    pearson: { plain: (image, i) => image.pearson(plane(others, i)), same: 1e-4 },
  };
}

const work = await makeWork();
const plainImages = Array.from({ length: plainCount }, (_, i) => {
  const pixels = work.pixels.slice(i * 3 * area, (i + 1) * 3 * area);
  const map = work.values.slice(i * area, (i + 1) * area);
  return new PlainImage({ cnn: work.cnn, pixels, map, size, target: work.predicted[i] });
});
const all = scoresOf(work, await drawNoise(work));
const names = options.scores ? options.scores.split(',') : Object.keys(all);
const { cnn, images, target, method, tensors } = work;
const found = {};

const batched = (label, scores) => ({
  name: `${label}:batched`,
  label: `${label}, batched`,
  run: async () => {
    const scorer = createScorer(scores, { steps, roadNoise: 0, infidelityDraws: PASSES, sensitivityDraws: DRAWS });
    const { values } = await scorer.score({ cnn, images, target, method, ...tensors, ...random });
    Object.assign(found, values);
  },
});
const plainValues = {};
const plain = (label, scores) => ({
  name: `${label}:plain`,
  label: `${label}, one by one`,
  run: async () => {
    for (const score of scores) {
      plainValues[score] = [];
      for (const [i, image] of plainImages.entries()) plainValues[score].push(await all[score].plain(image, i));
    }
  },
});
const groups = names.map((name) => [name, [name]]);
if (names.includes('deletion') && names.includes('insertion'))
  groups.push(['deletion + insertion', ['deletion', 'insertion']]);
const variants = groups.flatMap(([label, scores]) => [batched(label, scores), plain(label, scores)]);
const seconds = await timeInTurn(variants, { rounds });
progress();

for (const name of names) {
  if (all[name].same === undefined) continue;
  const apart = Math.max(...plainValues[name].map((value, i) => Math.abs(value - found[name][i])));
  if (!(apart <= all[name].same)) throw new Error(`${name}: the plain statement says something else, by ${apart}`);
}

const rows = groups.map(([label]) => {
  const perImage = {
    batched: median(seconds[`${label}:batched`]) / count,
    plain: median(seconds[`${label}:plain`]) / plainCount,
  };
  return { label, secondsPerImage: perImage, timesFaster: perImage.plain / perImage.batched };
});
const machine = await describeMachine();
if (options.json) {
  console.log(
    JSON.stringify({ machine, settings: { count, plainCount, size, steps, rounds }, rows, seconds }, null, 2),
  );
} else {
  printPerImage(
    `An image of ${count}, ${size}×${size}, network 'small', ${steps} steps; medians of ${rounds} rounds`,
    rows,
  );
  console.log(machineLine(machine));
}
