/** Activations: as layers, and by name in another layer's `activation`. */
import { z } from 'zod';

import type { OpAttrs, OpName } from '../../attrs.js';
import { axes, isChannelAxis, kind, nothing, type LayerKind, type Translation, type Value } from './contract.js';

type Step = { [Op in OpName]: { op: Op; attrs?: OpAttrs<Op> } }[OpName];

/** Settings of an activation that is a layer, or an object with a config of its own. */
const settings = z.object({
  alpha: z.number().nullish(),
  negative_slope: z.number().nullish(),
  max_value: z.number().nullish(),
  threshold: z.number().nullish(),
  approximate: z.boolean().nullish(),
});
type Settings = z.output<typeof settings>;

const SIMPLE = {
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  softplus: 'softplus',
  selu: 'selu',
  mish: 'mish',
  relu6: 'relu6',
  swish: 'silu',
  silu: 'silu',
  hard_swish: 'hardSwish',
  hard_silu: 'hardSwish',
  softmax: 'softmax',
} as const satisfies Record<string, OpName>;

/** max(0, x) and its variants. */
function rectifier(config: Settings, t: Translation): Step[] {
  const { negative_slope, alpha, max_value: most, threshold } = config;
  const slope = negative_slope ?? alpha ?? 0;
  if (threshold) t.refuse(`has threshold ${threshold}, expected 0`);
  if (most == null) return [slope === 0 ? { op: 'relu' } : { op: 'leakyRelu', attrs: { slope } }];
  if (slope !== 0) t.refuse('has max_value and a negative slope, expected one of them');
  if (!(most > 0)) t.refuse(`has max_value ${most}, expected more than 0`);
  return [most === 6 ? { op: 'relu6' } : { op: 'clip', attrs: { min: 0, max: most } }];
}

/** Keras 3 took on PyTorch's; Keras 2 and tfjs have the older, steeper one. */
const hardSigmoid = (t: Translation): Step =>
  t.dialect === 'keras3' ? { op: 'hardSigmoid' } : { op: 'hardSigmoid', attrs: { alpha: 0.2, beta: 0.5 } };

/** The ops of an activation by its name, of one or none; undefined when it is not known. */
function stepsOf(name: string, config: Settings, t: Translation): Step[] | undefined {
  if (Object.hasOwn(SIMPLE, name)) return [{ op: SIMPLE[name as keyof typeof SIMPLE] }];
  switch (name) {
    case 'linear':
      return [];
    case 'relu':
    case 're_lu':
      return rectifier(config, t);
    case 'leaky_relu':
      return [{ op: 'leakyRelu', attrs: { slope: config.negative_slope ?? config.alpha ?? 0.2 } }];
    case 'leaky_re_lu':
      return [{ op: 'leakyRelu', attrs: { slope: config.negative_slope ?? config.alpha ?? 0.3 } }];
    case 'elu':
      return [{ op: 'elu', attrs: { alpha: config.alpha ?? 1 } }];
    case 'gelu':
      return [{ op: 'gelu', attrs: { approximate: config.approximate ? 'tanh' : 'none' } }];
    case 'gelu_new':
      return [{ op: 'gelu', attrs: { approximate: 'tanh' } }];
    case 'hard_sigmoid':
      return [hardSigmoid(t)];
    default:
      return undefined;
  }
}

export const KNOWN_ACTIVATIONS = [
  ...Object.keys(SIMPLE),
  'relu',
  'leaky_relu',
  'elu',
  'gelu',
  'hard_sigmoid',
  'linear',
] as const;

/** `activation` as files have it: a name, or an object of a class or of a function with its name. */
export const activation = z
  .union([
    z.string(),
    z.object({ class_name: z.string(), config: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish() }),
  ])
  .nullish();
export type Activation = z.output<typeof activation>;

/** As Keras turns the names of classes into those of functions and groups. */
export const snakeCase = (name: string): string =>
  name
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

function nameOf(value: NonNullable<Activation>): { name: string; config: unknown } {
  if (typeof value === 'string') return { name: snakeCase(value.split('>').at(-1) as string), config: {} };
  // A function: its name is the config, or in it; a class, such as a layer or tfjs' activations, has its own.
  if (typeof value.config === 'string') return { name: snakeCase(value.config), config: {} };
  if (value.class_name === 'function') return { name: snakeCase(String(value.config?.name)), config: {} };
  return { name: snakeCase(value.class_name), config: value.config ?? {} };
}

/** Adds an activation; nothing for a linear one. The suffix is its name, unless it is the whole layer. */
export function activate(value: Activation, input: Value, t: Translation, whole = false): Value {
  if (value == null) return input;
  const { name, config } = nameOf(value);
  const known = settings.safeParse(config);
  if (!known.success)
    return t.refuse(`has activation '${name}' with settings that it has not: ${JSON.stringify(config)}`);
  const steps = stepsOf(name, known.data, t);
  if (!steps) {
    return t.refuse(`has activation '${name}', which is not supported; supported are ${KNOWN_ACTIVATIONS.join(', ')}`);
  }
  return steps.reduce((x, { op, attrs }) => t.add(op, [x], attrs as object, whole ? undefined : op), input);
}

/** The activation of a convolution: where there is one, taps lie after it. */
export function activateFused(value: Activation, input: Value, t: Translation): Value {
  const result = activate(value, input, t);
  if (result.node !== input.node) t.markFused();
  return result;
}

const named = (name: string): LayerKind =>
  kind(settings, (config, t) => activate({ class_name: name, config }, t.input(), t, true));

const softmax = kind(z.object({ axis: axes.default([-1]) }), ({ axis }, t) => {
  const input = t.input();
  const [only, ...others] = axis;
  if (only === undefined || others.length > 0 || !isChannelAxis(only, input.shape.length, t.layout)) {
    t.refuse(`has axis [${axis.join(', ')}], expected the channels`);
  }
  return t.add('softmax', [input]);
});

/** A slope for each channel; one for each pixel has no op. */
const preluVariables = [{ name: 'alpha' }];
const prelu = kind(
  nothing,
  (_, t) => {
    const input = t.input();
    const [channels = 0, ...pixels] = input.shape;
    const shared = pixels.map(() => 1);
    const shape = t.layout === 'channels_last' ? [...shared, channels] : [channels, ...shared];
    return t.addWeighted('prelu', [input], {}, () => ({
      weight: { shape: [channels], data: t.variable('alpha', shape).data },
    }));
  },
  () => preluVariables,
);

export const ACTIVATION_LAYERS: Record<string, LayerKind> = {
  Activation: kind(z.object({ activation }), ({ activation: value }, t) => activate(value, t.input(), t, true)),
  ReLU: named('ReLU'),
  LeakyReLU: named('LeakyReLU'),
  ELU: named('ELU'),
  PReLU: prelu,
  Softmax: softmax,
};

/** Operations of Keras 3 and functions of TensorFlow that are activations. */
export const ACTIVATION_OPERATIONS: Record<string, LayerKind> = Object.fromEntries(
  ['Relu', 'Relu6', 'Sigmoid', 'Silu', 'Tanh', 'HardSigmoid', 'HardSilu', 'Selu', 'Softplus', 'Mish'].map((name) => [
    name,
    kind(nothing, (_, t) => activate(name, t.input(), t, true)),
  ]),
);
