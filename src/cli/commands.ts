import type { Command } from 'commander';

import { register as build } from './build.js';
import { register as doctor } from './doctor.js';
import { register as libtorch } from './libtorch.js';

/** Every command, in the order of `--help`. A command's file loads what computes only when it runs. */
export const commands: readonly ((program: Command) => void)[] = [doctor, build, libtorch];
