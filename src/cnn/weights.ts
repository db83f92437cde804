/** Whether tensors are the weights that a network needs. */
import { CumulensError } from '../errors.js';
import { didYouMean } from '../options.js';

/** Sizes by name. */
export type Shapes = Readonly<Record<string, readonly number[]>>;
/** What is looked at of a tensor. */
export interface WeightLike {
  readonly shape: readonly number[];
  readonly dtype: string;
}

export const FLOATS: ReadonlySet<string> = new Set(['float16', 'bfloat16', 'float32', 'float64']);

const text = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
const more = (count: number): string => (count > 1 ? ` (and ${count - 1} more)` : '');

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

/** What a name was probably meant to be: the same within another module (`module.fc.weight`), or spelt alike. */
function hint(name: string, others: readonly string[]): string {
  const within = others.find((other) => other.endsWith(`.${name}`) || name.endsWith(`.${other}`));
  return within === undefined ? didYouMean(name, others) : `; did you mean '${within}'?`;
}

/**
 * Every tensor that is needed is there, of its shape and of floating point, and no other.
 * @param network what needs them, in errors
 * @throws CumulensError ERR_FORMAT naming the first that is not, how many more there are, and what was probably meant
 */
export function checkWeights(
  needed: Shapes,
  given: Readonly<Record<string, WeightLike>>,
  network = 'the network',
): void {
  const missing = Object.keys(needed).filter((name) => !(name in given));
  const unknown = Object.keys(given).filter((name) => !(name in needed));
  const fail = (message: string): never => {
    throw new CumulensError('ERR_FORMAT', message);
  };
  const [lacked] = missing;
  if (lacked !== undefined) {
    fail(`the weights have no tensor '${lacked}'${more(missing.length)}${hint(lacked, unknown)}`);
  }
  const [extra] = unknown;
  if (extra !== undefined) {
    fail(`the weights have a tensor '${extra}' that ${network} does not use${more(unknown.length)}`);
  }
  const misshapen = Object.keys(needed).filter((name) => !sameShape(shapeOf(given, name), shapeOf(needed, name)));
  const [wrong] = misshapen;
  if (wrong !== undefined) {
    const [has, needs] = [shapeOf(given, wrong), shapeOf(needed, wrong)];
    fail(`the weight '${wrong}' has shape ${text(has)}, ${network} needs ${text(needs)}${more(misshapen.length)}`);
  }
  for (const [name, { dtype }] of Object.entries(given)) {
    if (!FLOATS.has(dtype)) fail(`the weight '${name}' is ${dtype}, expected floating point`);
  }
}

function shapeOf(all: Readonly<Record<string, WeightLike | readonly number[]>>, name: string): readonly number[] {
  const found = all[name] as WeightLike | readonly number[];
  return 'shape' in found ? found.shape : found;
}
