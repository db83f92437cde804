import { pathToFileURL } from 'node:url';

import type { Command } from 'commander';

import { addCommand, onRun } from './command.js';

export function register(program: Command): void {
  const command = addCommand(
    program,
    'report',
    "makes the page of an 'evaluate', 'relevance' or 'study' anew from its results, without computing",
  ).argument('<folder>', 'where results.json lies');
  onRun(command, async (context, _flags: object, folder: string) => {
    const { remakePage } = await import('../report/remake.js');
    const page = await remakePage(folder);
    context.print(`open ${pathToFileURL(page).href}`);
    return { page };
  });
}
