// Full-size networks against the frameworks they come from: `npm run test:zoo`.
//
// A script a format makes the models, with weights drawn from a seed, and what the framework says of them:
//   SCRIPT --list            prints the names of its cases, one a line
//   SCRIPT CASE FOLDER       writes the model, io.safetensors (see ../support/parity.js) and case.json
//                            { "model": file, "options": of Cnn.load } into FOLDER
// Python is $PYTHON or python3. What it has no packages for is skipped by name, or fails where CUMULENS_ZOO_COMPLETE is set.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { Cnn } from '../../dist/index.js';
import { assertParity } from '../support/parity.js';

const python = process.env.PYTHON ?? 'python3';
const complete = Boolean(process.env.CUMULENS_ZOO_COMPLETE);
const scripts = {
  'torchvision and timm weights': { command: [python, 'test/zoo/torchvision.py'], needs: ['torchvision', 'timm'] },
  TorchScript: { command: [python, 'test/zoo/torchscript.py'], needs: ['torchvision'] },
  ONNX: { command: [python, 'test/zoo/onnx.py'], needs: ['torchvision', 'onnx', 'onnxscript'] },
  Keras: { command: [python, 'test/zoo/keras.py'], needs: ['tensorflow', 'keras', 'h5py'] },
  tfjs: { command: [process.execPath, 'test/zoo/tfjs.mjs'], needs: [] },
};

function run([command, ...args], ...more) {
  const { status, signal, stdout, stderr, error } = spawnSync(command, [...args, ...more], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  if (error) throw error;
  if (status !== 0)
    throw new Error(`${[...args, ...more].join(' ')} ended by ${signal ?? status}:\n${stderr.slice(-4000)}`);
  return stdout;
}

/** The packages that this Python has not; they are looked for, not imported, which takes long. */
function missing(needs) {
  if (needs.length === 0) return [];
  const look = `import importlib.util as u; print(*[n for n in ${JSON.stringify(needs)} if u.find_spec(n) is None])`;
  const { status, stdout } = spawnSync(python, ['-c', look], { encoding: 'utf8' });
  return status === 0 ? stdout.split(/\s+/).filter(Boolean) : [`${python} itself`];
}

for (const [format, { command, needs }] of Object.entries(scripts)) {
  describe(`Full-size networks: ${format}`, () => {
    const lacking = missing([...needs, ...(needs.length > 0 ? ['numpy', 'safetensors'] : [])]);
    if (lacking.length > 0) {
      const reason = `${python} has no ${lacking.join(', ')}`;
      if (complete) it('has its frameworks', () => expect.fail(reason));
      else it.skip(`skipped, since ${reason}`);
      return;
    }
    for (const name of run(command, '--list').split('\n').filter(Boolean)) {
      it(name, async function () {
        this.timeout(1_800_000);
        const folder = await mkdtemp(join(tmpdir(), 'cumulens-zoo-'));
        try {
          run(command, name, folder);
          const { model, options } = JSON.parse(await readFile(join(folder, 'case.json'), 'utf8'));
          if (!existsSync(join(folder, model))) throw new Error(`${name} wrote no ${model}`);
          const cnn = await Cnn.load(join(folder, model), { device: 'cpu', ...options });
          const { logits, maps } = await assertParity(cnn, join(folder, 'io.safetensors'));
          cnn.dispose();
          console.log(
            `      logits ${logits.toExponential(1)}, maps ${Math.max(...maps).toExponential(1)} at ${maps.length} taps`,
          );
        } finally {
          await rm(folder, { recursive: true });
        }
      });
    }
  });
}
