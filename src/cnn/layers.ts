/** Layers by name, by the module they lie in, or by pattern. */
import { CumulensError } from '../errors.js';
import { didYouMean } from '../options.js';
import { isPattern, matcher } from './taps.js';

/**
 * The layers that are meant, in network order: `features.0` itself, `layer1` all that lies in it; `layer[12]` or `*.bn?` by pattern, of a
 * layer's name or of a module's that it lies in; `!fc` all but what `fc` means.
 * @param layers every layer with weights
 * @throws CumulensError ERR_OPTION for what is no layer, and what matches none
 */
export function selectLayers(selection: readonly string[], layers: readonly string[], what: string): string[] {
  const chosen = new Set(selection.flatMap((text) => matchOne(text, layers, what)));
  return layers.filter((layer) => chosen.has(layer));
}

/** The names of the modules around a layer, from the outermost, and its own. */
function pathsOf(layer: string): string[] {
  return layer.split('.').map((_, end, parts) => parts.slice(0, end + 1).join('.'));
}

function matching(pattern: string): (layer: string) => boolean {
  const negated = pattern.startsWith('!') && !pattern.startsWith('!(');
  const matches = matcher(negated ? pattern.slice(1) : pattern);
  return (layer) => pathsOf(layer).some(matches) !== negated;
}

function matchOne(text: string, layers: readonly string[], what: string): readonly string[] {
  const named = layers.filter((layer) => pathsOf(layer).includes(text));
  if (named.length > 0) return named;
  if (!isPattern(text)) {
    const hint = didYouMean(text, layers.flatMap(pathsOf));
    throw new CumulensError('ERR_OPTION', `${what}: '${text}' is no layer with weights${hint}`);
  }
  const found = layers.filter(matching(text));
  if (found.length > 0) return found;
  const [first, last] = [layers[0] ?? '', layers.at(-1) ?? ''];
  throw new CumulensError(
    'ERR_OPTION',
    `${what}: no layer with weights matches '${text}'; there are ${layers.length}, from '${first}' to '${last}'`,
  );
}
