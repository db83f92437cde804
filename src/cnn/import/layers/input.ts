/** How a model's layers lay pictures out. */
import { CumulensError } from '../../../errors.js';
import type { Layout } from './contract.js';
import type { LayerGraph } from './graph.js';

/** Layers whose data_format is only a matter of where their output's values come to lie. */
const FREE = new Set(['Flatten']);

/** Where channels lie, which must be the same throughout. @throws CumulensError ERR_FORMAT */
export function layoutOf(graph: LayerGraph, what: string): Layout {
  const found = new Map<Layout, string>();
  for (const { layer } of graph.calls) {
    const { data_format: format } = layer.config;
    const known = format === 'channels_last' || format === 'channels_first';
    if (known && !FREE.has(layer.className)) found.set(format, layer.path.join('.'));
  }
  const first = found.get('channels_first');
  const last = found.get('channels_last');
  if (first !== undefined && last !== undefined) {
    throw new CumulensError('ERR_FORMAT', `${what}: layer '${first}' is channels_first, layer '${last}' channels_last`);
  }
  return first === undefined ? 'channels_last' : 'channels_first';
}
