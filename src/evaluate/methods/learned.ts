/** Methods with something learned in them: trained generators, and the linear baseline. Their conditions are taken anew from each request's CNN. */
import { z } from 'zod';

import { CumulensError } from '../../errors.js';
import { mapOptionsOf, sizeOf } from '../../gan/conditions.js';
import { conditioningSchema, Generator } from '../../gan/generator.js';
import { native, withSignal, type NativeTensor } from '../../native.js';
import { optionalFields, parseOptions } from '../../options.js';
import { Tensor } from '../../tensor.js';
import type { ExplainRequest, ExplanationMethod } from '../contract.js';

const conditioningOption = z.strictObject(optionalFields(conditioningSchema.shape));
/** How conditions are made; a tap also by its index. The class is a request's, whatever `target` says. */
export type ConditioningOption = z.input<typeof conditioningOption>;
const batchSize = z.number().int().min(1).max(4096).default(32);

const generatorSchema = z.strictObject({
  name: z.string().min(1),
  label: z.string().min(1).optional(),
  conditioning: conditioningOption.omit({ target: true }).default({}),
  batchSize,
});
/**
 * - `name`: as results name it ('lsft:runs/a'); `label`: as tables show it
 * - `conditioning`: laid over what the generator's file remembers, where it explains another CNN than it was trained on: `targetTap: -1`
 * - `batchSize`: images that the CNN and the generator take at once
 */
export type GeneratorMethodOptions = z.input<typeof generatorSchema>;

const linearSchema = z.strictObject({
  name: z.string().min(1).default('linear'),
  label: z.string().min(1).default('Linear'),
  size: z.number().int().positive().optional(),
  batchSize,
});
/** `size`: height and width of the conditions; the CNN's input by default. The others as for a generator. */
export type LinearMethodOptions = z.input<typeof linearSchema>;

/** Draws maps [n, 1, S, S] from the conditions of a request. */
type Draw = (cumulative: Tensor, request: ExplainRequest) => Promise<NativeTensor>;

interface Conditions {
  conditioning: ConditioningOption;
  /** P */
  conditions: number;
  size: number;
  batchSize: number;
}

/** A request's conditions, what `draw` makes of them, and that at the CNN's size. */
async function explainBy(draw: Draw, request: ExplainRequest, options: Conditions): Promise<Tensor> {
  const { cnn, images, target, signal } = request;
  const { conditioning, ...sizes } = options;
  const explained = await cnn.explain(images, {
    ...mapOptionsOf(conditioning),
    ...sizes,
    target,
    maps: false,
    ...(signal ? { signal } : {}),
  });
  const { cumulative } = explained as { cumulative: Tensor };
  for (const tensor of [explained.logits, explained.probabilities, explained.targetMap]) tensor.dispose();
  try {
    const maps = await draw(cumulative, request);
    try {
      const { height, width } = cnn.spec.input;
      return await withSignal(signal, (call) =>
        native.attribution.resizeMaps(maps, { size: [height, width], device: cnn.device }, call),
      );
    } finally {
      maps.dispose();
    }
  } finally {
    cumulative.dispose();
  }
}

/**
 * A trained generator: draws the map from the image at its size and the conditions, for the class that is asked for.
 * @throws CumulensError ERR_OPTION. Its `explain` throws ERR_OPTION where the CNN has not the tap that the generator's file names, and what
 * `cnn.explain` and `generator.explain` do.
 */
export function generatorMethod(generator: Generator, options: GeneratorMethodOptions): ExplanationMethod {
  if (!(generator instanceof Generator)) throw new CumulensError('ERR_OPTION', 'generatorMethod: expected a Generator');
  const { name, label, conditioning: laidOver, batchSize } = parseOptions(generatorSchema, options, 'generatorMethod');
  const { variant, conditions } = generator.config;
  const { target: _target, ...recorded } = generator.origin.conditioning ?? {};
  const conditioning = { ...recorded, ...laidOver };
  const draw: Draw = async (cumulative, { cnn, images, signal }) => {
    const size = sizeOf(generator, cnn);
    return withSignal(signal, async (call) => {
      const pictures = await native.resizeImages(images, { size: [size, size], rgb: true }, call);
      try {
        return await generator.native.explain(pictures, cumulative, { raw: false, batchSize }, call);
      } finally {
        pictures.dispose();
      }
    });
  };
  return {
    name,
    label: label ?? variant.toUpperCase(),
    kind: 'generator',
    source: 'arXiv 2301.08067; METHOD §4',
    settings: { variant, conditions, size: generator.origin.size, conditioning },
    explain: (request) =>
      explainBy(draw, request, { conditioning, conditions, size: sizeOf(generator, request.cnn), batchSize }),
  };
}

/**
 * METHOD §3's baseline: the target's least-squares fit by the P conditions.
 * @param weights float64 [P + 1] as the native BaselineFit gives them, the intercept last; it must live as long as the method
 * @param conditioning how the conditions it was fitted to were made
 * @throws CumulensError ERR_OPTION, ERR_SHAPE
 */
export function linearMethod(
  weights: Tensor,
  conditioning: ConditioningOption,
  options: LinearMethodOptions = {},
): ExplanationMethod {
  const { name, label, size, batchSize } = parseOptions(linearSchema, options, 'linearMethod');
  const { target: _target, ...chosen } = parseOptions(conditioningOption, conditioning, 'linearMethod.conditioning');
  const length = Tensor.isTensor(weights) && weights.shape.length === 1 ? (weights.shape[0] as number) : 0;
  if (length < 2)
    throw new CumulensError('ERR_SHAPE', 'linearMethod: weights must be a Tensor [P + 1], the intercept last');
  const draw: Draw = (cumulative, { signal }) =>
    withSignal(signal, (call) => native.attribution.linearMap(cumulative, weights, call));
  const conditions = length - 1;
  return {
    name,
    label,
    kind: 'baseline',
    source: 'METHOD §3: least squares from the conditions to the target',
    settings: { conditions, size, conditioning: chosen },
    explain: (request) =>
      explainBy(draw, request, {
        conditioning: chosen,
        conditions,
        size: size ?? request.cnn.spec.input.height,
        batchSize,
      }),
  };
}
