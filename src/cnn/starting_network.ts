/** The network that a training begins with: an architecture or a spec for the data's images and classes, with weights of a file where one is given. */
import { CumulensError } from '../errors.js';
import { fingerprintFile } from '../fingerprint.js';
import { native } from '../native.js';
import { readSafetensors } from '../safetensors.js';
import { disposeAll, type Tensor } from '../tensor.js';
import { Cnn } from './cnn.js';
import { recogniseArchitecture, renameTensors } from './import/state_dict.js';
import { fitInitialWeights } from './initial_weights.js';
import { selectLayers } from './layers.js';
import { METADATA_KEY } from './read.js';
import { isScriptSpec } from './script/spec.js';
import { parseCnnSpec, type CnnSpec } from './spec.js';
import type { ParsedTrainOptions } from './train_options.js';
import type { TrainingData } from './training_data.js';
import { ARCHITECTURES, type ArchitectureName } from './zoo/architectures.js';
import { small } from './zoo/small.js';

export interface StartingNetwork {
  cnn: Cnn;
  /** Layers whose weights stay as they are. */
  frozen: string[];
  /** What a person should know, a line each. */
  notes: string[];
  /** What decides the result beside the spec and the recipe. */
  config: Record<string, unknown>;
}

/** A file of weights, and the spec that it carries where it is a CNN of ours. */
interface InitFile {
  path: string;
  tensors: Record<string, Tensor>;
  spec?: CnnSpec;
}

/**
 * @param options `arch` or `spec`, or the network of `init`; and what is laid over it
 * @throws CumulensError ERR_OPTION, ERR_SHAPE, or ERR_FORMAT naming the tensor of `init` that does not fit
 */
export async function startNetwork(options: ParsedTrainOptions, data: TrainingData): Promise<StartingNetwork> {
  const { init, freeze, device, seed } = options;
  const file = init === undefined ? undefined : await readInit(init);
  try {
    const spec = specFor(options, data, file);
    const cnn = await Cnn.create(spec, { device, seed });
    try {
      const notes = file ? await loadInit(cnn, spec, file) : [];
      const layers = (await native.weightedLayers(cnn.native)).map(({ name }) => name);
      const frozen = freeze.length > 0 ? selectLayers(freeze, layers, 'trainCnn.freeze') : [];
      if (frozen.length === layers.length)
        throw new CumulensError('ERR_OPTION', 'trainCnn.freeze: every layer is frozen: nothing is left to train');
      const config = init === undefined ? {} : { init: { sha256: await fingerprintFile(init) } };
      return { cnn, frozen, notes, config: { ...config, ...(frozen.length > 0 ? { frozen } : {}) } };
    } catch (error) {
      cnn.dispose();
      throw error;
    }
  } finally {
    if (file) disposeAll(file.tensors);
  }
}

async function readInit(path: string): Promise<InitFile> {
  const { tensors, metadata } = await readSafetensors(path);
  const text = metadata[METADATA_KEY];
  if (text === undefined) return { path, tensors };
  try {
    const spec = JSON.parse(text) as unknown;
    if (isScriptSpec(spec)) {
      throw new CumulensError('ERR_OPTION', `${path}: a TorchScript model runs as it is, and cannot be trained`);
    }
    return { path, tensors, spec: parseCnnSpec(spec, path, 'ERR_FORMAT') };
  } catch (error) {
    disposeAll(tensors);
    if (error instanceof CumulensError) throw error;
    throw new CumulensError('ERR_FORMAT', `${path}: its metadata '${METADATA_KEY}' is not JSON`, { cause: error });
  }
}

/** Puts the file's weights into the network. @returns what there is to say of it */
async function loadInit(cnn: Cnn, spec: CnnSpec, file: InitFile): Promise<string[]> {
  try {
    const renamed = renameTensors(spec.name, file.tensors);
    file.tensors = renamed.tensors;
    const needed = cnn.native.stateShapes();
    const { weights, notes } = fitInitialWeights(spec, needed, renamed.tensors);
    const drawn = await cnn.stateDict();
    try {
      await cnn.loadStateDict({ ...drawn, ...weights });
    } finally {
      disposeAll(drawn);
    }
    return [...renamed.notes, ...notes].map((note) => `init: ${note}`);
  } catch (error) {
    if (!(error instanceof CumulensError)) throw error;
    throw new CumulensError(error.code, `${file.path}: ${error.message}`, { cause: error });
  }
}

/** The spec that was given, the architecture that was named or that the file's tensors are of, the file's own network, or `small`. */
function specFor(options: ParsedTrainOptions, data: TrainingData, file: InitFile | undefined): CnnSpec {
  const { spec, arch } = options;
  if (spec && arch) throw new CumulensError('ERR_OPTION', 'trainCnn: give arch or spec, not both');
  const recognised =
    file && !spec && !arch && !file.spec ? recogniseArchitecture(Object.keys(file.tensors)) : undefined;
  const name = arch ?? recognised;
  if (name !== undefined && name !== 'small') return publishedFor(name, options, data, file);
  refuseArchitectureOptions(options);
  if (spec) return checkFits(parseCnnSpec({ ...spec, classes: spec.classes ?? [...data.classes] }), data);
  if (file?.spec && name === undefined) return checkFits(withClasses(file.spec, data.classes), data);
  if (file && name === undefined) {
    const names = Object.keys(ARCHITECTURES).join(', ');
    throw new CumulensError(
      'ERR_OPTION',
      `${file.path}: not just the tensors of ${names}: say whose with arch or spec`,
    );
  }
  const made = small({ classes: [...data.classes], size: [...data.size] });
  return { ...made, preprocessing: { ...made.preprocessing, resize: data.resize } };
}

/** An architecture for the data's images, which are resized already: the network is to be given pictures as the data was made of them. */
function publishedFor(
  name: ArchitectureName,
  { head, width, preprocessing }: ParsedTrainOptions,
  data: TrainingData,
  file: InitFile | undefined,
): CnnSpec {
  const { resize: _resize, ...learnt } = file?.spec?.preprocessing ?? { resize: undefined };
  const asked = preprocessing ?? (file?.spec?.input.channels === 3 ? learnt : undefined);
  const made = ARCHITECTURES[name]({
    classes: data.classes,
    size: data.size,
    ...(head ? { head } : {}),
    ...(width === undefined ? {} : { width }),
    ...(asked === undefined ? {} : { preprocessing: asked }),
  });
  return { ...made, preprocessing: { ...made.preprocessing, resize: data.resize } };
}

function refuseArchitectureOptions(options: ParsedTrainOptions): void {
  for (const name of ['head', 'width', 'preprocessing'] as const) {
    if (options[name] === undefined) continue;
    const names = Object.keys(ARCHITECTURES).join(', ');
    throw new CumulensError('ERR_OPTION', `trainCnn.${name}: is a setting of ${names} alone; give one of them as arch`);
  }
}

/** A network with a last layer for other classes. */
function withClasses(spec: CnnSpec, classes: readonly string[]): CnnSpec {
  const nodes = spec.nodes.map((node) =>
    node.name === spec.output && node.op === 'linear'
      ? { ...node, attrs: { ...node.attrs, units: classes.length } }
      : node,
  );
  return { ...spec, nodes, classes: [...classes] };
}

function checkFits(spec: CnnSpec, data: TrainingData): CnnSpec {
  const { channels, height, width } = spec.input;
  if (channels !== 3 || height !== data.size[0] || width !== data.size[1]) {
    throw new CumulensError(
      'ERR_SHAPE',
      `trainCnn: the spec takes [${channels}, ${height}, ${width}], the images are [3, ${data.size.join(', ')}]`,
    );
  }
  // That there are as many logits as names is checked when the network is made.
  const named = spec.classes?.length ?? 0;
  if (named !== data.classes.length) {
    throw new CumulensError(
      'ERR_SHAPE',
      `trainCnn: the spec has ${named} classes, the data ${data.classes.length} (${data.classes.join(', ')})`,
    );
  }
  return spec;
}
