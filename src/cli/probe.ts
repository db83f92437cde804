/**
 * What doctor runs in a process of its own: `probe.js load` loads the addon and computes with it, `probe.js train DEVICE SEED` draws
 * images, explains them with an untrained CNN and takes one training step.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeError } from './context.js';

async function load(): Promise<string> {
  const { Tensor } = await import('../index.js');
  const tensor = Tensor.from(new Float32Array([1, 2, 3]), [3]);
  const values = (await tensor.data()).join();
  if (values !== '1,2,3') throw new Error(`a tensor of 1,2,3 came back as ${values}`);
  return 'loads and computes';
}

async function train(device = 'auto', seed = '0'): Promise<string> {
  const { Cnn, createComposedDataset, prepare, small, trainGan } = await import('../index.js');
  const folder = await mkdtemp(join(tmpdir(), 'cumulens-doctor-'));
  try {
    const data = join(folder, 'data');
    const common = { device, seed: Number(seed) };
    const { classes } = await createComposedDataset({
      out: data,
      size: 32,
      train: 8,
      validation: 0,
      test: 8,
      ...common,
    });
    const cnn = await Cnn.create(small({ classes, size: 32, width: 4 }), common);
    const prepared = await prepare({ cnn, data, out: join(folder, 'prepared'), size: 16, conditions: 4, device });
    const sizes = { width: 4, conditionWidth: 4, conditionFeatures: 4, discriminatorWidth: 4, batchSize: 4, steps: 1 };
    const run = trainGan({ data: prepared, out: join(folder, 'run'), ...sizes, ...common });
    let loss = Number.NaN;
    for await (const event of run) loss = event.generatorLoss;
    const { generator } = await run.result;
    generator.dispose();
    return `one step on ${cnn.device}, generator loss ${loss.toFixed(3)}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const probes: Record<string, (...args: string[]) => Promise<string>> = { load, train };

const [name = 'load', ...args] = process.argv.slice(2);
try {
  console.log(await probes[name]?.(...args));
} catch (error) {
  console.error(describeError(error).message);
  process.exitCode = 1;
}
