import type { Command } from 'commander';

import { buildAddon } from '../../scripts/build.mjs';
import { addonPath, readAddonBuild } from '../load.js';
import { addCommand, onRun } from './command.js';
import { variantOption } from './libtorch.js';

export function register(program: Command): void {
  const command = addCommand(program, 'build', 'build the native addon, fetching libtorch if there is none')
    .addOption(variantOption())
    .option('--force', 'build even if nothing changed');
  onRun(command, async (context, options: { variant?: string; force?: boolean }) => {
    await buildAddon({ ...options, log: context.log, signal: context.signal });
    const addon = addonPath();
    const built = readAddonBuild(addon);
    context.print(`${addon}\n  for libtorch ${built.libtorch.version} in ${built.libtorch.root}`);
    return { addon, ...built };
  });
}
