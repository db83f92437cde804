/** Which split a sample is in: told by its content alone, so that it never changes side, whatever else is in the folder. */
import { createHash } from 'node:crypto';

import { z } from 'zod';

export const SPLITS = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof SPLITS)[number];

const fraction = z.number().min(0).max(1);

/** Options of whatever splits samples. */
export const splitFields = {
  /** Part of the samples held out for tests. */
  test: fraction.default(0.2),
  /** Part of the samples held out to choose weights and settings by. */
  validation: fraction.default(0.1),
};

export interface SplitFractions {
  test: number;
  validation: number;
}

/** SHA-256, hexadecimal. */
export function contentHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The lowest share of the hashes is test, the next validation: samples with the same bytes are always on the same side, and a greater
 * fraction only adds to a split.
 * @param hash as `contentHash` gives it
 */
export function splitOf(hash: string, { test, validation }: SplitFractions): SplitName {
  const share = parseInt(hash.slice(0, 12), 16) / 2 ** 48;
  if (share < test) return 'test';
  return share < test + validation ? 'validation' : 'train';
}
