/** What a method is before its settings are chosen. */
import { z } from 'zod';

import { MAP_METHODS, tapIndex } from '../../maps/options.js';
import type { NativeCall, NativeTensor } from '../../native.js';
import type { ExplainRequest, MethodKind } from '../contract.js';
import type { NativeSubject } from './contract.js';

/** One request as the native methods take it. */
export interface Explained {
  request: ExplainRequest;
  subject: NativeSubject;
  call: NativeCall;
}

export interface MethodDefinition<Schema extends z.ZodObject = z.ZodObject> {
  label: string;
  kind: MethodKind;
  source: string;
  settings: Schema;
  /** @returns float32 [n, 1, H, W] in [0, 1], H and W those of the CNN's input */
  run(explained: Explained, settings: z.output<Schema>): Promise<NativeTensor>;
}

/** Infers the type of the settings from their schema. */
export function define<Schema extends z.ZodObject>(definition: MethodDefinition<Schema>): MethodDefinition<Schema> {
  return definition;
}

export const count = (most: number) => z.number().int().min(1).max(most);

/** Settings that several methods have. */
export const fields = {
  tap: z
    .union([z.string(), z.number().int()], { error: "expected a tap's name or its index (−1 is the last)" })
    .default(-1)
    .describe('the tap: its name, or its index in network order, −1 the last'),
  reduction: z
    .enum(['max', 'sum', 'positive', 'net'])
    .describe('how channels become one value: max |a|, Σ |a|, relu(Σ a), or Σ a with its sign'),
  /** In front of the network, where zeros can be had that no picture gives. */
  baseline: z
    .enum(['neutral', 'zero', 'mean', 'blur'])
    .describe(
      'what takes the place of pixels: neutral (zeros after preprocessing), zero (black), mean (the image’s mean colour), blur',
    ),
  score: z
    .enum(['logit', 'probability'])
    .describe('the score that is watched: the logit, or the softmax’s probability'),
  mapMethod: z.enum(MAP_METHODS).default('gradcam').describe('how a tap’s map is made: METHOD §1'),
};

/** The native index of a tap. @throws CumulensError ERR_OPTION naming the method for one that the CNN has not. */
export function tapOf({ request }: Explained, tap: string | number, method: string): number {
  return tapIndex(tap, request.cnn.taps, `${method}.tap`);
}
