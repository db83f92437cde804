/** What a training begins with: weights of a file, but for a classifier of other classes. */
import type { Tensor } from '../tensor.js';
import type { CnnSpec } from './spec.js';
import { checkWeights, sameShape, type Shapes, type WeightLike } from './weights.js';
import { ARCHITECTURES, type ArchitectureName } from './zoo/architectures.js';
import { HEADS } from './zoo/options.js';

export interface InitialWeights<T extends WeightLike = Tensor> {
  /** What is taken of the file; the network keeps its drawn values where it has no tensor here. */
  weights: Record<string, T>;
  /** A line each, for a person. */
  notes: string[];
}

/** The layers of each head that an architecture can have; of other networks none are known. */
function headsOf(name: string): Set<string>[] {
  if (!(name in ARCHITECTURES)) return [];
  const make = ARCHITECTURES[name as ArchitectureName];
  return HEADS.map((head) => new Set(make({ head }).nodes.flatMap((node) => (node.op === 'linear' ? node.name : []))));
}

const layerOf = (tensor: string): string => tensor.slice(0, tensor.lastIndexOf('.'));
const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/**
 * Takes a file's weights for a network that may have another classifier: its last layer when it is for another number of classes, or all of its head
 * when the file has the architecture's other one, or none. Those keep their drawn values; anything else must fit.
 * @param needed every tensor of the network; @param given the file's, by the network's names
 * @throws CumulensError ERR_FORMAT as checkWeights
 */
export function fitInitialWeights<T extends WeightLike>(
  spec: CnnSpec,
  needed: Shapes,
  given: Readonly<Record<string, T>>,
): InitialWeights<T> {
  const heads = headsOf(spec.name);
  const has = (layers: ReadonlySet<string>): boolean => Object.keys(given).some((name) => layers.has(layerOf(name)));
  const own = heads.find((head) => head.has(spec.output));
  const changed = own !== undefined && !has(own);
  const isDrawn = (name: string): boolean =>
    changed
      ? own.has(layerOf(name))
      : layerOf(name) === spec.output && isOfOtherClasses(needed[name], given[name]?.shape);
  const isUnused = (name: string): boolean => changed && heads.some((head) => head.has(layerOf(name)));

  const drawn = Object.keys(needed).filter(isDrawn);
  const unused = Object.keys(given).filter(isUnused);
  const weights = Object.fromEntries(
    Object.entries(given).filter(([name]) => !unused.includes(name) && !drawn.includes(name)),
  );
  checkWeights(Object.fromEntries(Object.entries(needed).filter(([name]) => !drawn.includes(name))), weights);
  return { weights, notes: describe(drawn, unused, needed, given) };
}

/** The same but for the number of rows. */
function isOfOtherClasses(needed: readonly number[] | undefined, given: readonly number[] | undefined): boolean {
  if (!needed || !given) return false;
  return !sameShape(needed, given) && sameShape(needed.slice(1), given.slice(1));
}

function describe(
  drawn: readonly string[],
  unused: readonly string[],
  needed: Shapes,
  given: Readonly<Record<string, WeightLike>>,
): string[] {
  const [first] = drawn;
  if (first === undefined) return [];
  const had = given[first];
  const why = had ? `the file's are for ${had.shape[0]} classes, not ${needed[first]?.[0]}` : 'the file has none';
  return [
    `begins with drawn values: ${quoted(drawn)}, since ${why}`,
    ...(unused.length > 0 ? [`not used: ${quoted(unused)} of the file`] : []),
  ];
}
