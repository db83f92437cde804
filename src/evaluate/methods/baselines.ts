/** What stands in a comparison to show what a score is worth. */
import { z } from 'zod';

import { native } from '../../native.js';
import { define, fields, tapOf, type MethodDefinition } from './definition.js';

const none = z.strictObject({});

function ofTheImage(
  name: 'luminance' | 'sobel' | 'random',
  label: string,
  source: string,
): MethodDefinition<typeof none> {
  return define({
    label,
    kind: 'baseline',
    source,
    settings: none,
    run: ({ request: { cnn, seed, first }, subject, call }) =>
      native.attribution.imageBaseline(subject.images, { name, seed, first, device: cnn.device }, call),
  });
}

export const baselines = {
  luminance: ofTheImage('luminance', 'Luminance', 'the image itself (Rec. 709 luma); knows no CNN'),
  sobel: ofTheImage('sobel', 'Sobel edges', 'gradient magnitude of the luminance (Sobel, Feldman 1968); knows no CNN'),
  random: ofTheImage(
    'random',
    'Random',
    'uniform noise from the seed and the image’s index; knows neither image nor CNN',
  ),
  target: define({
    label: 'Target map',
    kind: 'baseline',
    source: 'what a generator learns to draw: METHOD §3',
    settings: z.strictObject({ method: fields.mapMethod, tap: fields.tap }),
    run: (explained, { method, tap }) =>
      native.attribution.tapMap(explained.subject, { method, tap: tapOf(explained, tap, 'target') }, explained.call),
  }),
};
