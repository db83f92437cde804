// TorchScript models against PyTorch: networks with few filters, traced and scripted (see fixtures/models/make_torchscript.py).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { Cnn, CnnBuilder, readSafetensors, vgg16 } from '../dist/index.js';
import { assertParity } from './support/parity.js';

const FOLDER = 'test/fixtures/models';
const SIZES = { vgg16: 48, resnet50: 64, inceptionv3: 107, mobilenetv2: 64, densenet121: 64 };
const options = (network) => ({ device: 'cpu', input: SIZES[network], preprocessing: 'torch' });

describe('TorchScript models', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-script-'));
  after(() => rmSync(folder, { recursive: true }));

  for (const file of [
    'vgg16-script',
    'resnet50-script',
    'inceptionv3-trace',
    'mobilenetv2-trace',
    'densenet121-trace',
  ]) {
    const network = file.split('-')[0];
    const told = `${FOLDER}/${network}.torchvision-io.safetensors`;

    it(`${file}.pt, in half precision: PyTorch's logits, and its maps at every convolution by its module's path`, async () => {
      const cnn = await Cnn.load(`${FOLDER}/${file}.pt`, options(network));
      await assertParity(cnn, told);
      expect(cnn.spec.tapAt).to.equal(network === 'vgg16' ? 'activation' : 'conv');
      cnn.dispose();
    });

    it(`${file}.pt gives the same bits at the first and the tenth call, and after it was saved`, async () => {
      const { tensors } = await readSafetensors(told);
      const cnn = await Cnn.load(`${FOLDER}/${file}.pt`, options(network));
      const maps = async (of, images) => [
        ...(await (await of.explain(images, { size: 7, conditions: 0 })).maps.data()),
      ];
      const first = await maps(cnn, tensors.images);
      for (let call = 2; call < 10; call++) await cnn.explain(tensors.images, { size: 7, conditions: 0, maps: false });
      expect(await maps(cnn, tensors.images)).to.deep.equal(first);
      const path = join(folder, `${file}.safetensors`);
      await cnn.save(path);
      const again = await Cnn.load(path, { device: 'cpu' });
      expect(again.taps).to.deep.equal(cnn.taps);
      expect(await maps(again, tensors.images)).to.deep.equal(first);
      cnn.dispose();
      again.dispose();
    });
  }

  it('are tapped as the same network is when it is a spec', async () => {
    const script = await Cnn.load(`${FOLDER}/vgg16-script.pt`, options('vgg16'));
    const arch = vgg16({ classes: 7, size: 48, width: 1 / 32 });
    const spec = await Cnn.load(`${FOLDER}/vgg16.torchvision.safetensors`, { device: 'cpu', arch });
    expect(script.taps.length).to.equal(13);
    expect(script.spec.tapAt).to.equal(spec.spec.tapAt);
    expect(script.describeTaps()).to.deep.equal(spec.describeTaps());
    for (const cnn of [script, spec]) cnn.dispose();
  });

  it('need the size of their images, which their file does not say', async () => {
    const error = await Cnn.load(`${FOLDER}/resnet50-script.pt`, { device: 'cpu' }).catch((caught) => caught);
    expect(error.code).to.equal('ERR_OPTION');
    expect(error.message).to.match(/resnet50-script\.pt: a TorchScript file does not say the size of its images/);
  });

  it('refuse what only a spec can do', async () => {
    const cnn = await Cnn.load(`${FOLDER}/resnet50-script.pt`, options('resnet50'));
    const net = new CnnBuilder({ channels: 3, height: 4, width: 4 });
    const pooled = net.add('globalAvgPool2d', net.add('conv2d', net.input, { filters: 2, kernel: 1 }));
    const other = await Cnn.create(net.build(net.add('linear', pooled, { units: 2 })), { device: 'cpu' });
    const error = await cnn.loadStateDict(await other.stateDict()).catch((caught) => caught);
    expect(error.code).to.equal('ERR_OPTION');
    expect(error.message).to.match(/expected a Cnn made from a spec; a TorchScript model runs as it is/);
    cnn.dispose();
    other.dispose();
  });
});
