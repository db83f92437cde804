/** How deep in the CNN each condition of prepared data reaches. */
import { z } from 'zod';

import type { Manifest } from '../data/manifest.js';
import { native } from '../native.js';

export interface ConditionDepth {
  /** Which taps it averages, counted in network order: "1–5"; its own number where the data does not say. */
  label: string;
  /** How many taps it averages, and of how many. */
  taps?: number;
  of?: number;
  /** Name of the last tap that it averages, in the order of averaging. */
  upTo?: string;
}

const settingsSchema = z.object({ order: z.enum(['forward', 'reverse']), averaged: z.array(z.string()).min(1) });

/** One for each condition: C_k averages the maps of the first k taps, from shallow to deep or back (METHOD §2). */
export function conditionDepths({ conditions = 0, settings }: Manifest): ConditionDepth[] {
  const known = settingsSchema.safeParse(settings);
  if (!known.success) return Array.from({ length: conditions }, (_, k) => ({ label: String(k + 1) }));
  const { order, averaged } = known.data;
  const of = averaged.length;
  return native.keptPositions(of, conditions).map((position) => {
    const taps = position + 1;
    const [from, to] = order === 'forward' ? [1, taps] : [of, of - position];
    return { label: taps === 1 ? String(from) : `${from}–${to}`, taps, of, upTo: averaged[position] as string };
  });
}
