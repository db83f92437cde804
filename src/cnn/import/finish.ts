/** What importers of every format find out alike: the pictures' size, the logits, how pictures are prepared, the classes' names. */
import { CumulensError } from '../../errors.js';
import type { PreprocessingInput } from '../preprocessing.js';
import type { CnnSpecInput, NodeInput } from '../spec.js';
import type { ImportSettings } from './contract.js';

/**
 * The pictures' size, as declared; where that is open, as the caller says.
 * @throws CumulensError ERR_FORMAT when the network takes no pictures, or nobody says of which size
 */
export function inputSizeOf(
  declared: readonly (number | null)[] | undefined,
  layout: 'channels_last' | 'channels_first',
  settings: ImportSettings,
  what: string,
): CnnSpecInput['input'] {
  const shape = declared?.slice(1) ?? [null, null, null];
  if (shape.length !== 3) {
    throw new CumulensError('ERR_FORMAT', `${what}: takes inputs of ${shape.length} dimensions, expected pictures`);
  }
  const [channels, height, width] = layout === 'channels_last' ? [shape[2], shape[0], shape[1]] : shape;
  const { input } = settings;
  const size = {
    channels: channels ?? input?.channels ?? (input ? 3 : undefined),
    height: height ?? input?.height,
    width: width ?? input?.width,
  };
  if (size.channels === undefined || size.height === undefined || size.width === undefined) {
    throw new CumulensError('ERR_FORMAT', `${what}: leaves its pictures' size open: say it with the option input`);
  }
  return { channels: size.channels, height: size.height, width: size.width };
}

/**
 * The logits come before a softmax or sigmoid that ends the network: it is taken out of `nodes`.
 * @returns the node that gives the logits
 */
export function leaveOutLast(nodes: NodeInput[], output: string, notes: string[]): string {
  const find = (name: string | undefined) => nodes.find((node) => node.name === name);
  const readers = (name: string) => nodes.filter(({ inputs }) => inputs.includes(name));
  // What follows may only bring the values into a row.
  let last = find(output);
  let reader: NodeInput | undefined;
  while (last && (last.op === 'flatten' || last.op === 'reshape') && readers(last.name).length === (reader ? 1 : 0)) {
    reader = last;
    last = find(last.inputs[0]);
  }
  const [input] = last?.inputs ?? [];
  if (!last || (last.op !== 'softmax' && last.op !== 'sigmoid') || input === undefined || input === 'input')
    return output;
  if (readers(last.name).length !== (reader ? 1 : 0)) return output;
  nodes.splice(nodes.indexOf(last), 1);
  notes.push(`the ${last.op} at the end ('${last.name}') is left out: the outputs are logits`);
  if (!reader) return input;
  reader.inputs = [input];
  return output;
}

/** A first scale below this one is meant for bytes: 1/255, 1/127.5, 1/σ of bytes (σ ≈ 60); for [0, 1] they are 1 and more. */
const BYTE_SCALE = 1 / 8;

/**
 * A model that begins by scaling bytes is given bytes; of others the file does not say what they take.
 * @param hint which of the option's modes the format's usual models need
 */
export function pixelRange(
  nodes: readonly NodeInput[],
  hint: string,
): { preprocessing?: PreprocessingInput; note: string } {
  const [first] = nodes;
  const scale = first?.op === 'rescale' ? [first.attrs?.scale ?? 1].flat() : [];
  if (scale.length > 0 && scale.every((value) => typeof value === 'number' && value > 0 && value <= BYTE_SCALE)) {
    return {
      preprocessing: { range: [0, 255] },
      note: `pictures are given in [0, 255], since '${first?.name ?? ''}' scales them first`,
    };
  }
  return {
    note: `the file does not say how pictures are prepared; [0, 1] is taken. Say it with the option preprocessing (${hint})`,
  };
}

/** The classes' names, where there is one for each logit. */
export function classNames(names: string[] | undefined, logits: number, notes: string[]): { classes?: string[] } {
  if (names?.length === logits) return { classes: names };
  if (names) notes.push(`the file names ${names.length} classes for ${logits} logits: the names are left out`);
  return {};
}
