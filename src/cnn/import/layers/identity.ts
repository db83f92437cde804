/** Layers that are there for training alone. */
import { z } from 'zod';

import { kind, nothing, type LayerKind } from './contract.js';

/** Kept, so that the CNN can be trained on. */
const dropout = kind(z.object({ rate: z.number().min(0).lt(1).default(0.5) }), ({ rate }, t) =>
  t.add('dropout', [t.input()], { rate }),
);

/** Changes nothing at inference, and has no op: it is left out. */
const leftOut = kind(nothing, (_, t) => {
  t.note(`layer '${t.layer.path.join('.')}' (${t.layer.className}) works in training alone, and is left out`);
  return t.input();
});
const silent = kind(nothing, (_, t) => t.input());

const TRAINING_ONLY = [
  ...['SpatialDropout2D', 'GaussianDropout', 'GaussianNoise', 'AlphaDropout', 'ActivityRegularization'],
  ...['RandomFlip', 'RandomRotation', 'RandomZoom', 'RandomTranslation', 'RandomContrast', 'RandomBrightness'],
  ...['RandomHeight', 'RandomWidth', 'RandomShear', 'RandomHue', 'RandomSaturation', 'RandomSharpness'],
  ...['RandomColorJitter', 'RandomColorDegeneration', 'RandomGrayscale', 'RandomGaussianBlur', 'RandomErasing'],
  ...['RandomInvert', 'RandomPerspective', 'RandomPosterization', 'RandomElasticTransform'],
  ...['RandAugment', 'AugMix', 'MixUp', 'CutMix'],
];

export const IDENTITY_LAYERS: Record<string, LayerKind> = {
  Dropout: dropout,
  Identity: silent,
  ...Object.fromEntries(TRAINING_ONLY.map((name) => [name, leftOut])),
};
