/** A CNN whose weights begin anew, layer after layer from the logits down. */
import type { Cnn } from '../cnn/cnn.js';
import type { WeightedLayer } from '../cnn/contract.js';
import { CumulensError } from '../errors.js';
import { native } from '../native.js';

export interface RandomisationStage {
  /** The deepest layer from the logits down, that is, the lowest, whose weights are new: all above it are new too. */
  label: string;
  /** Layers whose weights this stage adds to those of the stages before it. */
  layers: readonly string[];
  /** Share of the network's convolutions and linear layers that are new. */
  share: number;
}

/** From the logits down, each kernel with the norms that follow it; what lies below the last kernel goes with that. */
function cascade(layers: readonly WeightedLayer[]): { label: string; layers: string[] }[] {
  const groups: { label: string; layers: string[] }[] = [];
  let open: string[] = [];
  for (const { name, kernel } of [...layers].reverse()) {
    open.push(name);
    if (!kernel) continue;
    groups.push({ label: name, layers: open });
    open = [];
  }
  groups.at(-1)?.layers.push(...open);
  return groups;
}

/**
 * Up to `count` stages, evenly chosen: the first is the logits' layer alone, the last all.
 * @throws CumulensError ERR_OPTION when the network has no weights
 */
export function randomisationStages(layers: readonly WeightedLayer[], count: number): RandomisationStage[] {
  const groups = cascade(layers);
  if (groups.length === 0)
    throw new CumulensError('ERR_OPTION', 'sanity: the CNN has no weights that could be drawn anew');
  const stages = Math.min(count, groups.length);
  const ends = Array.from({ length: stages }, (_, i) =>
    stages === 1 ? groups.length : 1 + Math.round((i * (groups.length - 1)) / (stages - 1)),
  );
  return ends.map((end, i) => {
    const added = groups.slice(ends[i - 1] ?? 0, end);
    return {
      label: added.at(-1)?.label ?? '',
      layers: added.flatMap((group) => group.layers),
      share: end / groups.length,
    };
  });
}

/** A network for each stage, each made from the one before: together they cost one more copy of the weights. */
export class RandomisedCnns {
  private constructor(
    readonly stages: readonly RandomisationStage[],
    readonly cnns: readonly Cnn[],
  ) {}

  static async make(cnn: Cnn, count: number, seed: number): Promise<RandomisedCnns> {
    const stages = randomisationStages(await native.weightedLayers(cnn.native), count);
    const cnns: Cnn[] = [];
    try {
      for (const { layers } of stages) cnns.push(await (cnns.at(-1) ?? cnn).randomised(layers, seed));
    } catch (error) {
      for (const made of cnns) made.dispose();
      throw error;
    }
    return new RandomisedCnns(stages, cnns);
  }

  dispose(): void {
    for (const cnn of this.cnns) cnn.dispose();
  }
}
