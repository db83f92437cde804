/** Scores of images with parts taken away. */
import { z } from 'zod';

import { native } from '../../native.js';
import { count, define, fields } from './definition.js';

const share = z.number().gt(0).max(1);

export const perturbations = {
  occlusion: define({
    label: 'Occlusion',
    kind: 'perturbation',
    source:
      'Zeiler, Fergus, ECCV 2014 (arXiv 1311.2901): the mean fall of the score over the windows that hold a pixel',
    settings: z.strictObject({
      window: share.default(1 / 8).describe('the window’s side, as a share of the image’s shorter side'),
      stride: share.default(1 / 16).describe('how far it moves, likewise; at most the window'),
      baseline: fields.baseline.default('mean'),
      score: fields.score.default('logit'),
      reduction: z
        .enum(['positive', 'net'])
        .default('positive')
        .describe('positive: where the score rises, 0; net: with its sign'),
    }),
    run: ({ subject, call }, { window, stride, reduction, ...settings }) => {
      const [height = 1, width = 1] = subject.images.shape.slice(2);
      const pixels = (part: number): number => Math.max(1, Math.round(part * Math.min(height, width)));
      return native.attribution.occlusion(
        subject,
        { ...settings, window: pixels(window), stride: pixels(stride), positive: reduction === 'positive' },
        call,
      );
    },
  }),
  rise: define({
    label: 'RISE',
    kind: 'perturbation',
    source: 'Petsiuk et al., BMVC 2018 (arXiv 1806.07421); the masks are drawn from the seed and shared by all images',
    settings: z.strictObject({
      masks: count(1_000_000).default(4000).describe('how many masks are drawn'),
      grid: count(512).default(7).describe('cells a side'),
      keep: z.number().gt(0).max(1).default(0.5).describe('the probability that a cell stays'),
      baseline: fields.baseline.default('neutral'),
      score: fields.score.default('probability'),
    }),
    run: ({ request: { seed }, subject, call }, settings) =>
      native.attribution.rise(subject, { ...settings, seed }, call),
  }),
};
