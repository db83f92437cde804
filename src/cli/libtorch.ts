import { Option, type Command } from 'commander';

import { fetchLibtorch, resolveLibtorch, selectVariant, VARIANTS, type Libtorch } from '../../scripts/libtorch.mjs';
import { addCommand, onRun } from './command.js';

/** The libtorch that a build takes from the user cache. */
export const variantOption = (): Option =>
  new Option('--variant <variant>', 'the libtorch to use').choices(Object.keys(VARIANTS));

const describe = ({ version, cuda, root, source }: Libtorch): string =>
  `libtorch ${version}${cuda ? ` with CUDA ${cuda}` : ', CPU'}\n  ${root} (${source === 'cache' ? 'user cache' : source})`;

export function register(program: Command): void {
  const command = addCommand(program, 'libtorch', 'show which libtorch is used, or fetch one and use it').addOption(
    variantOption(),
  );
  onRun(command, async (context, { variant }: { variant?: string }) => {
    if (!variant) {
      const found = resolveLibtorch();
      context.print(describe(found));
      return found;
    }
    const fetched = await fetchLibtorch({ variant, log: context.log, signal: context.signal });
    selectVariant(variant);
    context.print(`${describe(fetched)}\nRun 'cumulens build' to build the addon for it.`);
    const used = resolveLibtorch();
    if (used.root !== fetched.root) context.log(`note: ${used.source} is set, so builds use ${used.root}`);
    return fetched;
  });
}
