import type { Command } from 'commander';

import { register as build } from './build.js';
import { register as data } from './data.js';
import { register as demo } from './demo.js';
import { register as doctor } from './doctor.js';
import { register as evaluate } from './evaluate.js';
import { register as explain } from './explain.js';
import { register as importModel } from './import.js';
import { register as libtorch } from './libtorch.js';
import { register as prepare } from './prepare.js';
import { register as relevance } from './relevance.js';
import { register as report } from './report.js';
import { register as study } from './study.js';
import { register as train } from './train.js';
import { register as trainCnn } from './train_cnn.js';

/** Adds a command to the program. */
export type Register = (program: Command) => void;

/** Every command, in the order of `--help`. A command's file loads what computes only when it runs. */
export const commands: readonly Register[] = [
  doctor,
  build,
  libtorch,
  demo,
  data,
  trainCnn,
  importModel,
  prepare,
  train,
  explain,
  evaluate,
  relevance,
  report,
  study,
];
