/** Looks at all that a study is told before its folder is bound to it: hours lie between the beginning and some first uses. */
import { z } from 'zod';

import { recipeFields } from '../cnn/train_options.js';
import { CumulensError } from '../errors.js';
import { parseTrainSettings, trainSchema } from '../gan/config.js';
import { parseOptions } from '../options.js';
import { NETWORKS } from './artifacts.js';
import { trainedBy, type StudyConfig } from './options.js';

/** The study draws the seeds, and trains every variant. */
const cnnTrainingSchema = z.strictObject(recipeFields).omit({ seed: true });
const ganSchema = trainSchema.omit({ seed: true, variant: true });

function checkNetworks({ cnns, imageSize }: StudyConfig): void {
  for (const { arch, options } of cnns) {
    const make = NETWORKS[arch];
    if (!make)
      throw new CumulensError('ERR_OPTION', `study.cnns: '${arch}' is none of ${Object.keys(NETWORKS).join(', ')}`);
    make({ ...options, classes: ['a', 'b'], size: [imageSize, imageSize] });
  }
}

function checkGenerators(config: StudyConfig): void {
  const { images, conditions, size } = config;
  const data = { count: images.train, validation: [0], conditions, size, targetChannels: 1 } as const;
  for (const variant of config.variants) {
    for (const target of config.targets) {
      const name = trainedBy(variant, target);
      parseOptions(ganSchema, config[name], `study.${name}`);
      parseTrainSettings({ ...config[name], variant }, data, `study.${name}`);
    }
  }
}

/** @throws CumulensError ERR_OPTION naming what is wrong */
export function checkStudy(config: StudyConfig): void {
  checkNetworks(config);
  parseOptions(cnnTrainingSchema, config.cnnTraining, 'study.cnnTraining');
  checkGenerators(config);
}
