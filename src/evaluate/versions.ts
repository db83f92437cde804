/** What made a result, as it is written beside it. */
import { native } from '../native.js';
import { version } from '../version.js';

export function softwareVersions(): Record<'cumulens' | 'node' | 'torch', string> {
  return { cumulens: version, node: process.versions.node, torch: native.buildInfo().torch };
}
