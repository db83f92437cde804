/**
 * What tensors of published weights are called here. torchvision's names are ours, since nodes are called as its modules are; this says which others
 * are known, and which are left out.
 */

/** timm's `efficientnet_b0` by torchvision's names: the stem and the head, then what its blocks are made of. */
const TIMM_EFFICIENTNET: Readonly<Record<string, string>> = {
  conv_stem: 'features.0.0',
  bn1: 'features.0.1',
  conv_head: 'features.8.0',
  bn2: 'features.8.1',
  classifier: 'classifier.1',
};
const TIMM_DEPTHWISE: Readonly<Record<string, string>> = {
  conv_dw: '0.0',
  bn1: '0.1',
  'se.conv_reduce': '1.fc1',
  'se.conv_expand': '1.fc2',
  conv_pw: '2.0',
  bn2: '2.1',
};
const TIMM_INVERTED: Readonly<Record<string, string>> = {
  conv_pw: '0.0',
  bn1: '0.1',
  conv_dw: '1.0',
  bn2: '1.1',
  'se.conv_reduce': '2.fc1',
  'se.conv_expand': '2.fc2',
  conv_pwl: '3.0',
  bn3: '3.1',
};

function fromTimmEfficientnet(layer: string): string | undefined {
  const match = /^blocks\.(\d+)\.(\d+)\.(.+)$/.exec(layer);
  if (!match) return TIMM_EFFICIENTNET[layer];
  const [, stage, block, part] = match as unknown as [string, string, string, string];
  const inner = (stage === '0' ? TIMM_DEPTHWISE : TIMM_INVERTED)[part];
  return inner && `features.${Number(stage) + 1}.${block}.block.${inner}`;
}

interface Names {
  /** Our name of a layer that has another; undefined: it has not. */
  rename?: (layer: string) => string | undefined;
  /** Layers that are no part of the network here, and what they are. */
  leftOut?: { pattern: RegExp; what: string };
}

const NAMES: Readonly<Record<string, Names>> = {
  efficientnetB0: { rename: fromTimmEfficientnet },
  // The files of torchvision's first releases have a dot that module names may no longer have.
  densenet121: {
    rename: (layer) => {
      const undotted = layer.replace(/(denselayer\d+\.(?:norm|relu|conv))\.([12])$/, '$1$2');
      return undotted === layer ? undefined : undotted;
    },
  },
  inceptionv3: { leftOut: { pattern: /^AuxLogits\./, what: 'the auxiliary head, which works in training alone' } },
};

/** Where a tensor belongs: `name` is ours, absent when it is left out, for a reason that a person is told unless it goes without saying. */
export interface OwnTensor {
  name?: string;
  leftOut?: string;
}

/** @param network the name of the spec */
export function ownTensor(network: string, tensor: string): OwnTensor {
  const dot = tensor.lastIndexOf('.');
  const [layer, parameter] = [tensor.slice(0, dot), tensor.slice(dot + 1)];
  // How many batches a norm has seen: PyTorch's for a momentum that is not set.
  if (parameter === 'num_batches_tracked') return {};
  const { rename, leftOut } = NAMES[network] ?? {};
  if (leftOut?.pattern.test(tensor)) return { leftOut: leftOut.what };
  const own = rename?.(layer);
  return { name: own === undefined ? tensor : `${own}.${parameter}` };
}
