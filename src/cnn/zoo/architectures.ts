/** The networks that can be asked for by name. */
import type { CnnSpec } from '../spec.js';
import { densenet121 } from './densenet.js';
import { efficientnetB0 } from './efficientnet.js';
import { inceptionv3 } from './inception.js';
import { mobilenetv2 } from './mobilenet.js';
import type { ZooOptions } from './options.js';
import { resnet18, resnet50 } from './resnet.js';
import { vgg16 } from './vgg.js';

/** By name: the spec's maker. `small` is not among them, since nobody published weights of it. */
export const ARCHITECTURES = {
  vgg16,
  resnet18,
  resnet50,
  inceptionv3,
  mobilenetv2,
  densenet121,
  efficientnetB0,
} as const satisfies Record<string, (options?: ZooOptions) => CnnSpec>;
export type ArchitectureName = keyof typeof ARCHITECTURES;
export const ARCHITECTURE_NAMES = Object.keys(ARCHITECTURES) as [ArchitectureName, ...ArchitectureName[]];
