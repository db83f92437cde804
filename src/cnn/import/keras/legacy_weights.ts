/**
 * Where an .h5 file of a whole model keeps a layer's arrays: `model_weights/<layer>` lists their names in order. For a model in
 * the model the list is that of all its layers, what is trained first.
 */
import { CumulensError } from '../../../errors.js';
import type { ImportedTensor } from '../contract.js';
import { leavesOf, type LayerEntry } from '../layers/config.js';
import type { LeafLayer, Variable } from '../layers/contract.js';
import type { LayerWeights, WeightFinder } from '../layers/translate.js';
import { takeDataset, type Hdf5Attributes, type Hdf5File } from './hdf5.js';

const ROOT = 'model_weights';

/** A list that is too long for one attribute is cut into `<name>0`, `<name>1` … */
function readList(attributes: Hdf5Attributes, name: string): string[] {
  const whole = attributes[name];
  if (whole !== undefined) return [whole].flat();
  const parts: string[] = [];
  for (let i = 0; attributes[`${name}${i}`] !== undefined; i++) parts.push(...[attributes[`${name}${i}`] ?? []].flat());
  return parts;
}

interface Slot {
  layer: LeafLayer;
  index: number;
  variable: Variable;
}

/** In Keras' order: what is trained, layer by layer, then what is not. A frozen layer's arrays are all of the second kind. */
function slotsOf(layers: readonly LeafLayer[], variables: (layer: LeafLayer) => readonly Variable[]): Slot[] {
  const slots = layers.flatMap((layer) => variables(layer).map((variable, index) => ({ layer, index, variable })));
  const trained = ({ layer, variable }: Slot): boolean => layer.trainable && variable.statistic !== true;
  return [...slots.filter(trained), ...slots.filter((slot) => !trained(slot))];
}

/** `conv1/kernel:0`, and `kernel_1:0` where a name was taken. */
const lastPart = (name: string): string => (name.split('/').at(-1) ?? '').replace(/:\d+$/, '').replace(/_\d+$/, '');

/** What arrays can be called: a name of another one shows that the order is not what it was taken for. */
const KNOWN = new Set(
  ['kernel', 'depthwise_kernel', 'pointwise_kernel', 'bias', 'gamma', 'beta', 'moving_mean', 'moving_variance', 'alpha'], // prettier-ignore
);

function checkName(name: string, { layer, variable }: Slot, what: string): void {
  const part = lastPart(name);
  if (part === variable.name || variable.aliases?.includes(part) || !KNOWN.has(part)) return;
  throw new CumulensError(
    'ERR_FORMAT',
    `${what}: layer '${layer.path.join('.')}': its weights '${variable.name}' are called '${name}'`,
  );
}

function findEntry(
  { name, content }: LayerEntry,
  file: Hdf5File,
  what: string,
  variables: (layer: LeafLayer) => readonly Variable[],
): [Slot, ImportedTensor | undefined][] {
  if (content.kind === 'input') return [];
  const layers = content.kind === 'model' ? leavesOf(content) : [content.layer];
  const group = `${ROOT}/${name}`;
  const names = readList(file.groups.get(group) ?? {}, 'weight_names');
  const slots = slotsOf(layers, variables);
  if (names.length !== slots.length) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${what}: layer '${name}' has ${names.length} arrays of weights, expected ${slots.length}`,
    );
  }
  return slots.map((slot, i) => {
    const weight = names[i] ?? '';
    checkName(weight, slot, what);
    return [slot, takeDataset(file, `${group}/${weight}`)];
  });
}

/** @param what names the file in errors */
export const legacyWeights =
  (file: Hdf5File, what: string): WeightFinder =>
  (model, variables) => {
    const found: LayerWeights = new Map();
    const lists = new Map<LeafLayer, (ImportedTensor | undefined)[]>();
    for (const entry of model.entries) {
      for (const [{ layer, index }, tensor] of findEntry(entry, file, what, variables)) {
        const list = lists.get(layer) ?? [];
        list[index] = tensor;
        lists.set(layer, list);
        found.set(layer, list);
      }
    }
    return found;
  };
