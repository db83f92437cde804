/** Gradients of the score with respect to the image, before preprocessing. */
import { z } from 'zod';

import { native } from '../../native.js';
import { count, define, fields, tapOf } from './definition.js';

const onlyReduction = z.strictObject({ reduction: fields.reduction.default('max') });

export const gradients = {
  saliency: define({
    label: 'Gradient',
    kind: 'gradient',
    source: 'Simonyan et al., ICLR workshop 2014 (arXiv 1312.6034)',
    settings: onlyReduction,
    run: ({ subject, call }, settings) => native.attribution.saliency(subject, settings, call),
  }),
  guidedBackprop: define({
    label: 'Guided backpropagation',
    kind: 'gradient',
    source:
      'Springenberg et al., ICLR workshop 2015 (arXiv 1412.6806), at every activation that rectifies (relu, silu, gelu …): g·1[g>0]·1[output>0]',
    settings: onlyReduction,
    run: ({ subject, call }, settings) => native.attribution.guidedBackprop(subject, settings, call),
  }),
  guidedGradcam: define({
    label: 'Guided Grad-CAM',
    kind: 'gradient',
    source: 'Selvaraju et al., ICCV 2017 (arXiv 1610.02391): guided backpropagation times Grad-CAM',
    settings: z.strictObject({ reduction: fields.reduction.default('max'), tap: fields.tap }),
    run: (explained, { reduction, tap }) =>
      native.attribution.guidedGradCam(
        explained.subject,
        { reduction, tap: tapOf(explained, tap, 'guidedGradcam') },
        explained.call,
      ),
  }),
  integratedGradients: define({
    label: 'Integrated gradients',
    kind: 'gradient',
    source: 'Sundararajan et al., ICML 2017 (arXiv 1703.01365), midpoint rule',
    settings: z.strictObject({
      reduction: fields.reduction.default('sum'),
      steps: count(10_000).default(50).describe('gradients taken on the way from the baseline to the image'),
      baseline: z
        .enum(['zero', 'mean', 'blur'])
        .default('zero')
        .describe('where the path begins: black, the image’s mean colour, or the blurred image'),
    }),
    run: ({ subject, call }, settings) => native.attribution.integratedGradients(subject, settings, call),
  }),
  smoothGrad: define({
    label: 'SmoothGrad',
    kind: 'gradient',
    source: 'Smilkov et al. 2017 (arXiv 1706.03825)',
    settings: z.strictObject({
      reduction: fields.reduction.default('max'),
      samples: count(10_000).default(50).describe('noisy images whose gradients are averaged'),
      noise: z.number().min(0).max(10).default(0.15).describe('σ in units of the image’s own range'),
    }),
    run: ({ request: { seed, first }, subject, call }, settings) =>
      native.attribution.smoothGrad(subject, { ...settings, seed, first }, call),
  }),
};
