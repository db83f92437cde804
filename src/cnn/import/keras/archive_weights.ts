/**
 * Where a .keras archive keeps a layer's arrays: not under its name but under its class and a count of those of that class
 * before it, as `layers/conv2d_1/vars/0`; a model in the model has `layers` of its own.
 */
import { CumulensError } from '../../../errors.js';
import { snakeCase } from '../layers/activations.js';
import type { LayerEntry, ModelConfig } from '../layers/config.js';
import type { LeafLayer, Variable } from '../layers/contract.js';
import { isOperation } from '../layers/table.js';
import type { LayerWeights, WeightFinder } from '../layers/translate.js';
import { takeDataset, type Hdf5File } from './hdf5.js';

/** Keras 3's name for a model's layers, and that of Keras 2, which counts layers with weights twice. */
const GROUPS = ['layers', '_layer_checkpoint_dependencies'] as const;

function groupName({ content }: LayerEntry): string | undefined {
  if (content.kind === 'input') return undefined;
  const name = content.kind === 'model' ? content.writtenClass : content.layer.className;
  return snakeCase(name.replace(/\W+/g, ''));
}

const isSaved = ({ content }: LayerEntry): boolean => content.kind !== 'layer' || !isOperation(content.layer.module);

class ArchiveWeights {
  readonly found: LayerWeights = new Map();
  readonly #file: Hdf5File;
  readonly #what: string;
  readonly #variables: (layer: LeafLayer) => readonly Variable[];
  /** Groups under which there are numbers. */
  readonly #filled = new Set<string>();

  constructor(file: Hdf5File, what: string, variables: (layer: LeafLayer) => readonly Variable[]) {
    this.#file = file;
    this.#what = what;
    this.#variables = variables;
    for (const path of file.datasets.keys()) {
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        this.#filled.add(path.slice(0, end));
      }
    }
  }

  model(model: ModelConfig, prefix: string): void {
    const folder = GROUPS.map((name) => prefix + name).find((name) => this.#file.groups.has(name));
    if (folder === undefined) return;
    const places = folder.endsWith('layers') ? this.#countAll(model) : this.#countFilled(model, folder);
    for (const [entry, place] of places) {
      if (entry.content.kind === 'model') this.model(entry.content, `${folder}/${place}/`);
      else if (entry.content.kind === 'layer') this.#layer(entry.content.layer, `${folder}/${place}/vars`);
    }
  }

  /** conv2d, conv2d_1 …: every layer counts, with weights or without. */
  #countAll(model: ModelConfig): Map<LayerEntry, string> {
    const counts = new Map<string, number>();
    const places = new Map<LayerEntry, string>();
    for (const entry of model.entries.filter(isSaved)) {
      const name = groupName(entry);
      if (name === undefined) continue;
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      places.set(entry, count === 0 ? name : `${name}_${count}`);
    }
    return places;
  }

  /** The nth layer of a class that has weights is in the nth of its groups that has any, whatever their numbers are. */
  #countFilled(model: ModelConfig, folder: string): Map<LayerEntry, string> {
    const places = new Map<LayerEntry, string>();
    const numbers = new Map<string, number>();
    for (const entry of model.entries) {
      const name = groupName(entry);
      if (name === undefined || !this.#hasWeights(entry)) continue;
      let number = numbers.get(name) ?? 0;
      const at = () => (number === 0 ? name : `${name}_${number}`);
      while (this.#file.groups.has(`${folder}/${at()}`) && !this.#filled.has(`${folder}/${at()}`)) number++;
      places.set(entry, at());
      numbers.set(name, number + 1);
    }
    return places;
  }

  #hasWeights({ content }: LayerEntry): boolean {
    if (content.kind === 'model') return content.entries.some((entry) => this.#hasWeights(entry));
    return content.kind === 'layer' && this.#variables(content.layer).length > 0;
  }

  #layer(layer: LeafLayer, group: string): void {
    const variables = this.#variables(layer);
    if (variables.length === 0) return;
    const saved = this.#file.groups.get(group)?.name;
    if (saved !== undefined && saved !== layer.path.at(-1)) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${this.#what}: '${group}' holds the weights of '${String(saved)}', expected those of '${layer.path.join('.')}'`,
      );
    }
    this.found.set(
      layer,
      variables.map((_, i) => takeDataset(this.#file, `${group}/${i}`)),
    );
  }
}

/** @param what names the archive in errors */
export const archiveWeights =
  (file: Hdf5File, what: string): WeightFinder =>
  (model, variables) => {
    const weights = new ArchiveWeights(file, what, variables);
    weights.model(model, '');
    return weights.found;
  };
