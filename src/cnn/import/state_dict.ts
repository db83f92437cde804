/** Weights without a network: a state dict of PyTorch's in safetensors, for an architecture that is named, given, or known by its tensors. */
import { CumulensError } from '../../errors.js';
import { disposeAll, type Tensor } from '../../tensor.js';
import type { CnnSpec } from '../spec.js';
import { ARCHITECTURE_NAMES, ARCHITECTURES, type ArchitectureName } from '../zoo/architectures.js';
import { ownTensor } from '../zoo/tensor_names.js';
import type { ParsedImportOptions } from './import.js';

export interface StateDict {
  spec: CnnSpec;
  /** By our names. */
  tensors: Record<string, Tensor>;
  notes: string[];
  /** What needs them, where the caller gave no spec. */
  network?: string;
}

/** Ops that own tensors, in a network of the zoo. */
const OWNERS: ReadonlySet<string> = new Set(['conv2d', 'batchNorm', 'linear']);

/** Tensors by our names, without those that are left out: they are given back. @throws CumulensError ERR_FORMAT when two have one name */
export function renameTensors(
  network: string,
  tensors: Readonly<Record<string, Tensor>>,
): { tensors: Record<string, Tensor>; notes: string[] } {
  const renamed: Record<string, Tensor> = {};
  const leftOut = new Map<string, number>();
  for (const [given, tensor] of Object.entries(tensors)) {
    const own = ownTensor(network, given);
    if (own.leftOut) leftOut.set(own.leftOut, (leftOut.get(own.leftOut) ?? 0) + 1);
    if (own.name === undefined) {
      tensor.dispose();
      continue;
    }
    if (own.name in renamed) {
      throw new CumulensError(
        'ERR_FORMAT',
        `two tensors are ${network}'s '${own.name}', one of them called '${given}'`,
      );
    }
    renamed[own.name] = tensor;
  }
  const notes = Array.from(leftOut, ([what, count]) => `${count} tensors are left out: ${what}`);
  return { tensors: renamed, notes };
}

const layerOf = (tensor: string): string => tensor.slice(0, tensor.lastIndexOf('.'));

/** The architecture whose layers just these tensors are of. */
export function recogniseArchitecture(tensors: readonly string[]): ArchitectureName | undefined {
  return ARCHITECTURE_NAMES.find((name) => {
    const layers = new Set(tensors.flatMap((tensor) => ownTensor(name, tensor).name ?? []).map(layerOf));
    const owners = ARCHITECTURES[name]().nodes.filter(({ op }) => OWNERS.has(op));
    return owners.length === layers.size && owners.every((node) => layers.has(node.name));
  });
}

/** The architecture for as many classes and channels as its first and last weights have, and for images of the size asked for. */
function specFor(
  name: ArchitectureName,
  tensors: Readonly<Record<string, Tensor>>,
  { input }: ParsedImportOptions,
): CnnSpec {
  const make = ARCHITECTURES[name];
  const { nodes, output } = make();
  const classes = tensors[`${output}.weight`]?.shape[0];
  const channels = tensors[`${nodes[0]?.name ?? ''}.weight`]?.shape[1];
  return make({
    ...(classes ? { classes } : {}),
    ...(channels ? { channels } : {}),
    ...(input ? { size: [input.height, input.width] } : {}),
  });
}

/**
 * A network for the tensors of a file that names none.
 * @throws CumulensError ERR_FORMAT when no architecture is given and the tensors are of none that is known
 */
export function placeStateDict(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  options: ParsedImportOptions,
): StateDict {
  try {
    return place(path, tensors, options);
  } catch (error) {
    disposeAll(tensors);
    throw error;
  }
}

function place(path: string, tensors: Readonly<Record<string, Tensor>>, options: ParsedImportOptions): StateDict {
  const { arch } = options;
  if (typeof arch === 'object') return { spec: arch, ...renameTensors(arch.name, tensors) };
  const name = arch ?? recogniseArchitecture(Object.keys(tensors));
  if (name === undefined) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: weights without a network: its metadata has no 'cumulens', and its tensors are not just those of ${ARCHITECTURE_NAMES.join(', ')}; give arch, one of these names or a spec`,
    );
  }
  const renamed = renameTensors(name, tensors);
  const notes = arch ? renamed.notes : [`taken for ${name}, whose tensors these are`, ...renamed.notes];
  return { spec: specFor(name, renamed.tensors, options), tensors: renamed.tensors, notes, network: name };
}
