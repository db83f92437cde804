/** Class activation maps: at one tap by gradients (METHOD §1) or by forward passes alone, and over all taps. */
import { z } from 'zod';

import { MAP_METHODS, type MapMethod } from '../../maps/options.js';
import { native } from '../../native.js';
import { count, define, fields, tapOf, type MethodDefinition } from './definition.js';

const OF_ONE_TAP: Readonly<Record<MapMethod, { label: string; source: string }>> = {
  gradcam: { label: 'Grad-CAM', source: 'Selvaraju et al., ICCV 2017 (arXiv 1610.02391)' },
  'guided-gradcam-weights': {
    label: 'Grad-CAM, guided weights',
    source: 'the published code of arXiv 2301.08067: mean 1[A>0]·1[g>0]·g, no relu',
  },
  'gradcam++': { label: 'Grad-CAM++', source: 'Chattopadhay et al., WACV 2018 (arXiv 1710.11063)' },
  xgradcam: { label: 'XGrad-CAM', source: 'Fu et al., BMVC 2020 (arXiv 2008.02312)' },
  hirescam: { label: 'HiResCAM', source: 'Draelos, Carin 2020 (arXiv 2011.08891)' },
  layercam: { label: 'LayerCAM', source: 'Jiang et al., IEEE TIP 2021 (doi 10.1109/TIP.2021.3089943)' },
  eigencam: { label: 'Eigen-CAM', source: 'Muhammad, Yeasin, IJCNN 2020 (arXiv 2008.00299)' },
};

const tapSettings = z.strictObject({ tap: fields.tap });

function ofOneTap(method: MapMethod): MethodDefinition<typeof tapSettings> {
  return define({
    ...OF_ONE_TAP[method],
    kind: 'cam',
    settings: tapSettings,
    run: (explained, { tap }) =>
      native.attribution.tapMap(explained.subject, { method, tap: tapOf(explained, tap, method) }, explained.call),
  });
}

export const cams = {
  ...(Object.fromEntries(MAP_METHODS.map((method) => [method, ofOneTap(method)])) as Record<
    MapMethod,
    MethodDefinition<typeof tapSettings>
  >),
  scorecam: define({
    label: 'Score-CAM',
    kind: 'cam',
    source: 'Wang et al., CVPR workshops 2020 (arXiv 1910.01279): softmax over channels of the masked images’ logits',
    settings: z.strictObject({
      tap: fields.tap,
      baseline: fields.baseline.default('neutral'),
      channels: z
        .union([z.literal('all'), count(1_000_000)], { error: "expected 'all' or a whole number from 1 on" })
        .default('all')
        .describe(
          'all (as published: a pass for each), or only so many, those that vary most over the image (Faster Score-CAM)',
        ),
    }),
    run: (explained, { tap, baseline, channels }) =>
      native.attribution.scoreCam(
        explained.subject,
        { tap: tapOf(explained, tap, 'scorecam'), baseline, channels: channels === 'all' ? 0 : channels },
        explained.call,
      ),
  }),
  ablationcam: define({
    label: 'Ablation-CAM',
    kind: 'cam',
    source:
      'Desai, Ramaswamy, WACV 2020 (doi 10.1109/WACV45572.2020.9093360): weights are the fall of the logit when a channel is set to 0',
    settings: tapSettings,
    run: (explained, { tap }) =>
      native.attribution.ablationCam(explained.subject, { tap: tapOf(explained, tap, 'ablationcam') }, explained.call),
  }),
  winsorcam: define({
    label: 'Winsor-CAM',
    kind: 'cam',
    source: 'Wall et al., IEEE TPAMI 2026 (arXiv 2507.10846); maps are resized bilinearly',
    settings: z.strictObject({
      percentile: z
        .number()
        .min(0)
        .max(100)
        .default(99)
        .describe('where the taps’ weights are clipped: lower gives more to shallow taps'),
      least: z.number().gt(0).max(1).default(0.1).describe('the least of a tap’s weights after rescaling to 1'),
    }),
    run: ({ subject, call }, settings) => native.attribution.winsorCam(subject, settings, call),
  }),
  fused: define({
    label: 'Fused Grad-CAM',
    kind: 'cam',
    source: 'the published code of arXiv 2301.08067 (fuse_layers): the mean of all taps’ maps',
    settings: z.strictObject({ method: fields.mapMethod }),
    run: ({ subject, call }, settings) => native.attribution.fused(subject, settings, call),
  }),
};
