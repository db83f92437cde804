import type { Command } from 'commander';

import type { CommandContext } from './context.js';
import { deviceOption, seedOption } from './options.js';

/**
 * A command's work. It gets the command's arguments and its parsed options, and gives the document that `--json` prints; text for a
 * person it prints through the context. It imports what loads the addon itself, so that `--help` and bad usage need no addon.
 */
export type Action<Options, Arguments extends unknown[]> = (
  context: CommandContext,
  options: Options,
  ...args: Arguments
) => Promise<unknown>;

/** Runs actions in a context: the program has one. */
export type Runner = (json: boolean, work: (context: CommandContext) => Promise<unknown>) => Promise<void>;

const runners = new WeakMap<Command, Runner>();

/** Makes a program's commands run through `runner`. */
export function setRunner(program: Command, runner: Runner): void {
  runners.set(program, runner);
}

export interface Shared {
  /** Adds `--device`. */
  device?: boolean;
  /** Adds `--seed`. */
  seed?: boolean;
}

/**
 * Adds a command with the options that all share.
 *
 * ```ts
 * export function register(program: Command): void {
 *   const command = addCommand(program, 'prepare', 'makes training data from images', { device: true, seed: true })
 *     .argument('<images>', 'a folder of images')
 *     .requiredOption('--out <folder>', 'where to write it');
 *   onRun(command, async ({ signal, progress }, options: PrepareFlags, images: string) => {
 *     const { prepare } = await import('../data/prepare.js');
 *     …
 *     return { count };
 *   });
 * }
 * ```
 */
export function addCommand(program: Command, name: string, description: string, shared: Shared = {}): Command {
  const command = program.command(name).description(description);
  if (shared.device) command.addOption(deviceOption());
  if (shared.seed) command.addOption(seedOption());
  return command.option('--json', 'write one JSON document to stdout');
}

/** Says what a command does. */
export function onRun<Options, Arguments extends unknown[]>(
  command: Command,
  action: Action<Options, Arguments>,
): void {
  command.action(async (...received: unknown[]) => {
    // commander gives the arguments, then the options, then the command.
    const options = received.at(-2) as Options & { json?: boolean };
    const args = received.slice(0, -2) as Arguments;
    await runnerOf(command)(options.json ?? false, (context) => action(context, options, ...args));
  });
}

function runnerOf(command: Command): Runner {
  for (let at: Command | null = command; at; at = at.parent) {
    const runner = runners.get(at);
    if (runner) return runner;
  }
  throw new Error(`command ${command.name()} belongs to no program`);
}
