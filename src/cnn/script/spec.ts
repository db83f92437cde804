/** What is said of a TorchScript model beside its own file: the graph stays as it is. */
import { z } from 'zod';

import { parseOptions } from '../../options.js';
import { preprocessingSchema } from '../preprocessing.js';

const size = z.number().int().positive();
const name = z.string().min(1);

export const SCRIPT_FORMAT = 'cumulens.script/1';

const scriptSchema = z.strictObject({
  format: z.literal(SCRIPT_FORMAT),
  name,
  input: z.strictObject({ channels: size, height: size, width: size }),
  preprocessing: preprocessingSchema.prefault({}),
  tapAt: z.enum(['conv', 'activation']),
  taps: z.array(name).min(1),
  classes: z.array(z.string()).optional(),
});

/** A TorchScript model's spec: as a CnnSpec, without nodes. */
export type ScriptSpec = z.output<typeof scriptSchema>;

/** @throws CumulensError ERR_FORMAT naming the field that is wrong */
export function parseScriptSpec(value: unknown, what: string): ScriptSpec {
  return parseOptions(scriptSchema, value, what, 'ERR_FORMAT');
}

export function isScriptSpec(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as { format?: unknown }).format === SCRIPT_FORMAT;
}
