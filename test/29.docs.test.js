// docs/bring-your-own-cnn.md: every script and every command of the page runs as it stands there, on models of the fixtures.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import sharp from 'sharp';

import { Cnn, resnet50, writeSafetensors } from '../dist/index.js';
import { disposeAll } from './support/small-cnn.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(join(root, 'docs/bring-your-own-cnn.md'), 'utf8');
const blocks = [...page.matchAll(/^## (.*)|^```(js|sh)\n([\s\S]*?)^```/gm)];

/** The page's blocks of a language, with the headings they stand under. */
function blocksOf(language) {
  let heading = 'the beginning';
  return blocks.flatMap(([, title, found, text]) => {
    if (title) heading = title;
    return found === language ? [{ heading, text }] : [];
  });
}

/** What a script prints at its end, where the page does not say it. */
const PRINTS = {
  TorchScript: /^\[ '0', '3', '5' \] \[ \d \] \[ 1, 3, 64, 64 \]$/,
  ONNX: /^52 \[ 1, 52, 64, 64 \]$/,
  Keras: /^52 \[ 1, 8, 48, 48 \]$/,
  'TensorFlow.js': /^52 52 52$/,
  'Weights of torchvision and timm': /^\[ 1, 53, 56, 56 \]$/,
  'A network of your own, node by node': /^\[ 'stem', 'deep' \]$/,
  'What travels with the file': /^$/,
  Taps: /^53 9 7$/,
};

describe('The page "Bring your own CNN"', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-docs-'));
  after(() => rmSync(folder, { recursive: true }));

  before(async () => {
    const model = (name) => join(root, 'test/fixtures/models', name);
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/cumulens'));
    await sharp(join(root, 'assets/composed/photographs/cat.png')).jpeg().toFile(join(folder, 'photo.jpg'));
    cpSync(join(root, 'test/fixtures/docs/model.pt'), join(folder, 'model.pt'));
    cpSync(model('mobilenetv2.onnx'), join(folder, 'model.onnx'));
    cpSync(model('mobilenetv2.keras'), join(folder, 'model.keras'));
    cpSync(model('vgg16.h5'), join(folder, 'model.h5'));
    cpSync(model('mobilenetv2.tfjs'), join(folder, 'tfjs_model'), { recursive: true });
    const cnn = await Cnn.create(resnet50(), { device: 'cpu', seed: 1 });
    const weights = await cnn.stateDict();
    await writeSafetensors(join(folder, 'resnet50.safetensors'), weights);
    disposeAll(weights);
    cnn.dispose();
  });

  const run = (args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect(status, stderr).to.equal(0);
    return stdout;
  };

  it('has an example for each format', () => {
    expect(blocksOf('js').map(({ heading }) => heading)).to.deep.equal(Object.keys(PRINTS));
  });

  for (const { heading, text } of blocksOf('js')) {
    it(`runs its script under "${heading}"`, () => {
      writeFileSync(join(folder, 'script.mjs'), text);
      expect(run(['script.mjs']).trim().replaceAll(/\s+/g, ' ')).to.match(PRINTS[heading]);
    });
  }

  for (const { heading, text } of blocksOf('sh')) {
    it(`runs its commands under "${heading}"`, () => {
      for (const line of text.trim().split('\n')) {
        const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
        expect(words.slice(0, 3)).to.deep.equal(['npx', 'cumulens', 'import']);
        expect(run([join(root, 'dist/cli/main.js'), ...words.slice(2)])).to.not.equal('');
      }
    });
  }
});
