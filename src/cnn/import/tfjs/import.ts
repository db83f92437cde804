/** tfjs layers models: model.json with its topology, and shards of weights beside it. */
import { stat } from 'node:fs/promises';

import { z } from 'zod';

import { CumulensError } from '../../../errors.js';
import { readJson } from '../../../files.js';
import { parseOptions } from '../../../options.js';
import type { Importer, ImportedTensor } from '../contract.js';
import { leavesOf } from '../layers/config.js';
import type { LeafLayer, Variable } from '../layers/contract.js';
import { translateLayers, type LayerWeights, type WeightFinder } from '../layers/translate.js';
import { readWeights } from './manifest.js';

/** A topology is text; the weights lie elsewhere. */
const MAX_JSON_BYTES = 128 * 2 ** 20;

const record = z.record(z.string(), z.unknown());
const modelSchema = z.object({
  format: z.string().nullish(),
  modelTopology: record.nullish(),
  weightsManifest: z.unknown().optional(),
  userDefinedMetadata: record.nullish(),
});

/** By the layer's name and the array's; a converter may put the names of the models it lies in before. */
function findTensor(
  weights: Map<string, ImportedTensor>,
  layer: LeafLayer,
  variable: Variable,
  bySuffix: ReadonlyMap<string, readonly string[]>,
): ImportedTensor | undefined {
  const own = layer.path.at(-1) ?? '';
  for (const part of [variable.name, ...(variable.aliases ?? [])]) {
    const suffix = `${own}/${part}`;
    const others = bySuffix.get(suffix) ?? [];
    const names = [`${layer.path.join('/')}/${part}`, suffix, ...(others.length === 1 ? others : [])];
    const name = names.find((candidate) => weights.has(candidate));
    if (name === undefined) continue;
    const tensor = weights.get(name);
    // Large arrays are not kept twice.
    weights.delete(name);
    return tensor;
  }
  return undefined;
}

const findByName =
  (weights: Map<string, ImportedTensor>): WeightFinder =>
  (model, variables) => {
    const bySuffix = new Map<string, string[]>();
    for (const name of weights.keys()) {
      const suffix = name.split('/').slice(-2).join('/');
      bySuffix.set(suffix, [...(bySuffix.get(suffix) ?? []), name]);
    }
    const found: LayerWeights = new Map();
    for (const layer of leavesOf(model)) {
      found.set(
        layer,
        variables(layer).map((variable) => findTensor(weights, layer, variable, bySuffix)),
      );
    }
    return found;
  };

/** Names of classes, where a program that saved the model put them. */
function classNames(metadata: Record<string, unknown> | null | undefined): string[] | undefined {
  const names = z.array(z.string()).min(1);
  for (const key of ['classes', 'classNames', 'labels']) {
    const parsed = names.safeParse(metadata?.[key]);
    if (parsed.success) return parsed.data;
  }
  return undefined;
}

/** `{ class_name, config }`: tfjs writes the topology itself so, the converter within `model_config`. */
function configOf(topology: Record<string, unknown>): unknown {
  return topology.model_config ?? topology;
}

/**
 * Reads a model.json and its shards.
 * @throws CumulensError ERR_IO, ERR_FORMAT naming the layer, weight or field that is wrong or not supported
 */
export const importTfjs: Importer = async (path, settings) => {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  });
  if (size > MAX_JSON_BYTES) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: has ${size} bytes, expected a model.json of at most ${MAX_JSON_BYTES}`,
    );
  }
  const model = parseOptions(modelSchema, await readJson(path), path, 'ERR_FORMAT');
  const { format, modelTopology: topology, userDefinedMetadata, weightsManifest } = model;
  if (format === 'graph-model' || (topology && 'node' in topology)) {
    throw new CumulensError('ERR_FORMAT', `${path}: is a tfjs graph model, expected a layers model`);
  }
  if (!topology || weightsManifest == null) {
    throw new CumulensError('ERR_FORMAT', `${path}: not a tfjs model: it has no modelTopology and weightsManifest`);
  }
  const weights = await readWeights(weightsManifest, path);
  const source = {
    path,
    config: configOf(topology),
    dialect: 'tfjs',
    classes: classNames(userDefinedMetadata),
  } as const;
  return translateLayers({ ...source, findWeights: findByName(weights), settings });
};
