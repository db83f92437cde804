// All taps' maps and cumulative averages of the paper's networks, against the passes alone, a pass for each layer, and PyTorch.
//   npm run bench:maps -- [--networks vgg16,resnet50] [--batch 8] [--size 224] [--rounds 5] [--threads N] [--json]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { ARCHITECTURES, Cnn, Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import {
  describeMachine,
  machineLine,
  openPeer,
  peakOfRun,
  printTable,
  progress,
  runAlone,
  summarise,
  timeInTurn,
} from './harness.mjs';

const { values: options } = parseArgs({
  options: {
    networks: { type: 'string', default: 'vgg16,resnet50,inceptionv3' },
    batch: { type: 'string', default: '8' },
    size: { type: 'string', default: '224' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string' },
    variants: { type: 'string', default: 'floor,maps,layers,pytorch,pytorch-channels-last' },
    json: { type: 'boolean', default: false },
    peak: { type: 'string' }, // of one variant of one network: what this file runs itself as
  },
});
const batch = Number(options.batch);
const size = Number(options.size);
const wanted = options.variants.split(',');
const python = process.env.PYTHON ?? 'python3';
if (options.threads) await native.setThreads(Number(options.threads));

/** Weights drawn from a seed: the arithmetic takes as long whatever they are. */
async function makeNetwork(name) {
  const cnn = await Cnn.create(ARCHITECTURES[name]({ size }), { device: 'cpu', seed: 1 });
  const images = Tensor.from(
    Float32Array.from({ length: batch * 3 * size * size }, (_, i) => ((i * 2654435761) % 1024) / 1024),
    [batch, 3, size, size],
  );
  return { cnn, images };
}

/** What runs in this process; the floor is the least that autograd can do: neither a map nor a gradient is kept. */
function ownVariants({ cnn, images }) {
  return [
    {
      name: 'floor',
      label: 'forward + backward (the floor)',
      run: () => native.tapGradients(cnn.native, images),
    },
    {
      name: 'maps',
      label: 'cumulens: all maps and averages',
      run: async () => {
        const explained = await cnn.explain(images, { maps: true, conditions: 8, excludeTarget: false });
        for (const value of Object.values(explained)) if (Tensor.isTensor(value)) value.dispose();
      },
    },
    {
      name: 'layers',
      label: 'a pass for each layer, no maps',
      rounds: 1, // dozens of passes: one round is a mean already
      run: async () => {
        for (let tap = 0; tap < cnn.taps.length; tap++) await native.tapGradients(cnn.native, images, tap);
      },
    },
  ].filter(({ name }) => wanted.includes(name));
}

const layouts = { pytorch: 'contiguous', 'pytorch-channels-last': 'channels_last' };

/** PyTorch in processes of its own, where Python has it. */
async function pytorchVariants(network, threads) {
  const script = fileURLToPath(new URL('pytorch_maps.py', import.meta.url));
  const variants = [];
  for (const name of Object.keys(layouts).filter((name) => wanted.includes(name))) {
    try {
      const peer = await openPeer(python, [script, network, ...[batch, size, threads].map(String), layouts[name]]);
      variants.push({
        name,
        label: `PyTorch ${peer.about.torch}${name === 'pytorch' ? '' : ', channels_last'}`,
        run: () => peer.ask('time'),
        peak: () => peer.ask('peak'),
        close: () => peer.close(),
      });
    } catch (error) {
      console.error(`PyTorch is left out: ${error.message}`);
      break;
    }
  }
  return variants;
}

/** Each in a fresh process. */
async function peaksOf(network, own, pytorch) {
  const peaks = {};
  for (const { name, rounds } of own) {
    if (rounds !== undefined) continue; // as much as its deepest pass
    progress('peak memory', name);
    const flags = ['networks', 'batch', 'size', 'threads'].filter((flag) => options[flag] !== undefined);
    const args = flags.map((flag) => `--${flag}=${flag === 'networks' ? network : options[flag]}`);
    peaks[name] = runAlone(fileURLToPath(import.meta.url), [...args, `--peak=${name}`]);
  }
  for (const { name, peak } of pytorch) peaks[name] = await peak();
  progress();
  return peaks;
}

async function bench(name, machine) {
  const network = await makeNetwork(name);
  const own = ownVariants(network);
  const pytorch = await pytorchVariants(name, machine.threads);
  const peaks = await peaksOf(name, own, pytorch);
  const variants = [...own, ...pytorch];
  const seconds = await timeInTurn(variants, { rounds: Number(options.rounds) });
  for (const { close } of pytorch) close();
  const taps = network.cnn.taps.length;
  network.cnn.dispose();
  network.images.dispose();
  return { name, taps, variants: summarise(variants, seconds, peaks, 'floor') };
}

if (options.peak) {
  const network = await makeNetwork(options.networks);
  const { run } = ownVariants(network).find(({ name }) => name === options.peak);
  console.log(await peakOfRun(run));
} else {
  const machine = await describeMachine();
  if (!options.json) console.log(machineLine(machine));
  const networks = [];
  for (const name of options.networks.split(',')) {
    const result = await bench(name, machine);
    networks.push(result);
    if (options.json) continue;
    printTable(`${name}: ${result.taps} taps, batch ${batch}, ${size}×${size}`, 'the floor', result.variants);
  }
  if (options.json) console.log(JSON.stringify({ machine, settings: { batch, size }, networks }, null, 2));
}
