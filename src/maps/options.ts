/** The options that every call which makes maps shares: `cnn.explain` and `prepare`. */
import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { native, type NativeExplainOptions } from '../native.js';
import { didYouMean } from '../options.js';

/** METHOD §1: how a layer's activations and gradients become a map. */
export const MAP_METHODS = [
  'gradcam',
  'guided-gradcam-weights',
  'gradcam++',
  'xgradcam',
  'hirescam',
  'layercam',
  'eigencam',
] as const;
export type MapMethod = (typeof MAP_METHODS)[number];

const side = z.number().int().positive();

/** The fields, for schemas that add their own. */
export const mapFields = {
  method: z.enum(MAP_METHODS).default('gradcam'),
  size: z
    .union([side, z.tuple([side, side])], { error: 'expected a positive whole number or [height, width]' })
    .optional(),
  conditions: z.number().int().min(0).max(1000).default(8),
  order: z.enum(['forward', 'reverse']).default('forward'),
  excludeTarget: z.boolean().default(true),
  targetTap: z
    .union([z.string(), z.number().int()], { error: "expected a tap's name or its index (−1 is the last)" })
    .default(-1),
  targetMethod: z.enum(MAP_METHODS).default('gradcam'),
  batchSize: side.default(32),
};

const mapSchema = z.object(mapFields);
export type MapOptions = z.input<typeof mapSchema>;
export type ParsedMapOptions = z.output<typeof mapSchema>;

/** The network's side of the options. */
export interface TapContext {
  /** Names in network order. */
  taps: readonly string[];
  input: { height: number; width: number };
}

/**
 * A tap's native index. @param option as errors call it: 'explain.targetTap'
 * @throws CumulensError ERR_OPTION for one that is none of `taps`
 */
export function tapIndex(tap: string | number, taps: readonly string[], option: string): number {
  if (typeof tap === 'string') {
    const index = taps.indexOf(tap);
    if (index < 0) throw new CumulensError('ERR_OPTION', `${option}: '${tap}' is not a tap${didYouMean(tap, taps)}`);
    return index;
  }
  if (tap < -taps.length || tap >= taps.length) {
    throw new CumulensError(
      'ERR_OPTION',
      `${option}: expected −${taps.length} … ${taps.length - 1} for ${taps.length} taps, got ${tap}`,
    );
  }
  return tap;
}

/** Parsed options as the native call takes them; the map size defaults to the network's input. */
export function toNativeMapOptions(
  options: ParsedMapOptions,
  network: TapContext,
  { maps, normalise }: { maps: boolean; normalise: boolean },
  what: string,
): NativeExplainOptions {
  const { size = [network.input.height, network.input.width] } = options;
  return {
    method: options.method,
    size: typeof size === 'number' ? [size, size] : size,
    normalise,
    maps,
    conditions: options.conditions,
    order: options.order,
    excludeTarget: options.excludeTarget,
    targetTap: tapIndex(options.targetTap, network.taps, `${what}.targetTap`),
    targetMethod: options.targetMethod,
    batchSize: options.batchSize,
  };
}

/**
 * The 0-based indices of the P cumulative averages that are kept of L (METHOD §2).
 * @throws CumulensError ERR_OPTION unless both are whole numbers ≥ 1.
 */
export function keptPositions(layers: number, conditions: number): number[] {
  return native.keptPositions(layers, conditions);
}
