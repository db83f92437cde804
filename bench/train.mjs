// Training steps of the generators that a CPU trains: cumulens, and the same step in plain PyTorch, as METHOD §4–6 reads.
//   npm run bench:train -- [--networks study-lsft,study-gsft,small] [--steps 8] [--rounds 7] [--threads N] [--json]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { describeMachine, machineLine, openPeer, printTable, summarise, timeInTurn } from './harness.mjs';

/** As the presets of `study` and of `train` have them. */
const NETWORKS = {
  'study-lsft': { variant: 'lsft', size: 16, batch: 32, width: 8, hidden: 8, features: 8, critic: 8 },
  'study-gsft': { variant: 'gsft', size: 16, batch: 32, width: 16, hidden: 16, features: 8, critic: 8, blocks: 6 },
  small: { variant: 'lsft', size: 64, batch: 4, width: 32, hidden: 32, features: 16, critic: 16 },
};
const CONDITIONS = 8;

const { values: options } = parseArgs({
  options: {
    networks: { type: 'string', default: Object.keys(NETWORKS).join(',') },
    steps: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const steps = Number(options.steps);
const python = process.env.PYTHON ?? 'python3';
if (options.threads) await native.setThreads(Number(options.threads));

const adam = (beta1) => ({ learningRate: 1e-3, beta1, beta2: 0.999, epsilon: 1e-4 });

async function makeTrainer({ variant, size, batch, width, hidden, features, critic, blocks }) {
  const bytes = (channels) =>
    Tensor.from(
      Uint8Array.from({ length: batch * channels * size * size }, (_, i) => (i * 2654435761) >>> 24),
      [batch, channels, size, size],
    );
  const generator = {
    variant,
    conditions: CONDITIONS,
    blocks: blocks ?? 2 * CONDITIONS - 1,
    width,
    conditionWidth: hidden,
    conditionFeatures: features,
    outputChannels: 1,
  };
  const settings = {
    generator,
    discriminator: { size, mapChannels: 1, width: critic },
    seed: 1,
    batchSize: batch,
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
  };
  return native.createGanTrainer(settings, 'cpu', [
    { image: bytes(3), conditions: bytes(CONDITIONS), target: bytes(1) },
  ]);
}

/** In a process of its own, where Python has it. */
async function openPytorch({ variant, size, batch, width, hidden, features, critic, blocks }, threads) {
  const constants = {
    SIZE: size,
    CONDITIONS,
    WIDTH: width,
    HIDDEN: hidden,
    FEATURES: features,
    CRITIC: critic,
    SAMPLES: batch,
  };
  const settings = JSON.stringify({ ...constants, ...(blocks === undefined ? {} : { BLOCKS: blocks }) });
  try {
    return await openPeer(python, [
      fileURLToPath(new URL('pytorch_train.py', import.meta.url)),
      variant,
      String(threads),
      settings,
    ]);
  } catch (error) {
    console.error(`PyTorch is left out: ${error.message}`);
    return undefined;
  }
}

async function bench(name, machine) {
  const network = NETWORKS[name];
  const trainer = await makeTrainer(network);
  const pytorch = await openPytorch(network, machine.threads);
  const variants = [
    {
      name: 'cumulens',
      label: `cumulens, ${steps} steps`,
      run: async () => {
        await trainer.run(steps);
      },
    },
    ...(pytorch
      ? [{ name: 'pytorch', label: `PyTorch ${pytorch.about.torch}, plain`, run: () => pytorch.ask(steps) }]
      : []),
  ];
  const seconds = await timeInTurn(variants, { rounds: Number(options.rounds) });
  pytorch?.close();
  await trainer.dispose();
  return { name, ...network, variants: summarise(variants, seconds, {}, 'cumulens') };
}

const machine = await describeMachine();
if (!options.json) console.log(machineLine(machine));
const networks = [];
for (const name of options.networks.split(',')) {
  const result = await bench(name, machine);
  networks.push(result);
  if (options.json) continue;
  printTable(
    `${name}: ${result.variant}, batch ${result.batch}, ${result.size}×${result.size}`,
    'cumulens',
    result.variants,
  );
}
if (options.json) console.log(JSON.stringify({ machine, steps, networks }, null, 2));
