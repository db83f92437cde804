/** ONNX models: a graph of operators, with weights in the file or in others beside it. */
import { open } from 'node:fs/promises';
import { basename, extname } from 'node:path';

import { CumulensError } from '../../../errors.js';
import { allocate, readInto } from '../../../files.js';
import type { CnnSpecInput } from '../../spec.js';
import type { ImportedCnn, Importer, ImportSettings } from '../contract.js';
import { classNames, inputSizeOf, leaveOutLast, pixelRange } from '../finish.js';
import { impliedTapAt } from '../tap_at.js';
import { loadExternal } from './external.js';
import { neededFor, readGraph, type OnnxGraph } from './graph.js';
import { classList, pictureFormat } from './metadata.js';
import { decodeModel, whole, type ModelMessage, type TensorMessage, type ValueMessage } from './schema.js';
import { checkTensor, kindOfType, typeName } from './tensors.js';
import { imagesView, OnnxTranslator } from './translate.js';

/** Protobuf's own limit; larger models keep their weights in other files. */
const MAX_BYTES = 2 ** 31 - 1;

/** After 21, nothing but the types has changed for the operators that are read here. */
const OPSETS = { first: 11, last: 25 };

const BYTE_TYPE = 2;

async function readBytes(path: string): Promise<Buffer> {
  const file = await open(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  });
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${path}: has ${size} bytes, expected an ONNX model of at most ${MAX_BYTES}`,
      );
    }
    const bytes = allocate(size, path);
    await readInto(file, bytes, 0, path);
    return bytes;
  } finally {
    await file.close();
  }
}

type Fail = (problem: string) => never;

function opsetOf({ opsetImport }: ModelMessage, fail: Fail): number {
  const own = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  const opset = own ? whole(own.version) : fail("does not say which of ONNX's operator sets it uses");
  const { first, last } = OPSETS;
  return opset >= first && opset <= last ? opset : fail(`uses opset ${opset}, expected ${first} to ${last}`);
}

function tensorsOf({ graph }: ModelMessage): TensorMessage[] {
  const attributes = graph.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => (t ? [t] : [])));
  return [...graph.initializer, ...attributes];
}

/** Of several outputs, the first that could be logits. */
function outputOf({ graph }: ModelMessage, notes: string[], fail: Fail): string {
  const isLogits = ({ type }: ValueMessage): boolean => {
    const tensor = type?.tensorType;
    return tensor?.shape?.dim.length === 2 && kindOfType(tensor.elemType) === 'float';
  };
  const [first, ...others] = graph.output;
  if (!first) return fail('has no output');
  if (others.length === 0) return first.name;
  const { name } = graph.output.find(isLogits) ?? first;
  notes.push(`the model gives several values; '${name}' is taken for the logits`);
  return name;
}

interface ImagesInput {
  name: string;
  /** With the batch first; null where the file leaves it open. */
  dims: (number | null)[];
  channelsLast: boolean;
  bytes: boolean;
}

/** What takes pictures as they are laid out, or leaves nothing of how they were. */
const SETTLED = new Set([
  ...['Conv', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'Resize'],
  ...['Flatten', 'Reshape', 'Gemm', 'MatMul'],
]);

/** Whether pictures come as [N, H, W, C]: the graph then brings the channels to the front before it does anything spatial. */
function isChannelsLast(input: string, { readers }: OnnxGraph): boolean {
  const open = [input];
  const seen = new Set(open);
  for (const tensor of open) {
    for (const { opType, attributes, outputs } of readers.get(tensor) ?? []) {
      if (opType === 'Transpose') return attributes.get('perm')?.ints.join() === '0,3,1,2';
      if (SETTLED.has(opType)) return false;
      open.push(...outputs.filter((output) => output !== '' && !seen.has(output) && seen.add(output)));
    }
  }
  return false;
}

function imagesOf({ graph: message }: ModelMessage, graph: OnnxGraph, output: string, fail: Fail): ImagesInput {
  const read = new Set(neededFor(output, graph).flatMap(({ inputs }) => inputs));
  const inputs = message.input.filter(({ name }) => !graph.initializers.has(name) && read.has(name));
  const [input, ...others] = inputs;
  if (!input || others.length > 0) {
    return fail(
      `takes ${inputs.map(({ name }) => `'${name}'`).join(', ') || 'no input'}, expected pictures and nothing else`,
    );
  }
  const { name, type } = input;
  const elementType = type?.tensorType?.elemType ?? 0;
  const bytes = elementType === BYTE_TYPE;
  if (kindOfType(elementType) !== 'float' && !bytes) fail(`takes '${name}' of ${typeName(elementType)}, expected float or uint8`); // prettier-ignore
  const dims = type?.tensorType?.shape?.dim.map(({ dimValue }) => (whole(dimValue) > 0 ? whole(dimValue) : null));
  return { name, dims: dims ?? [null, null, null, null], bytes, channelsLast: isChannelsLast(name, graph) };
}

/** What the file says of its pictures; in the end, that it does not. */
function preparationOf(model: ModelMessage, images: ImagesInput, nodes: CnnSpecInput['nodes'], notes: string[]) {
  const said = pictureFormat(model.metadataProps);
  if (said) return { preprocessing: said };
  if (images.bytes) {
    notes.push(`pictures are given in [0, 255], since '${images.name}' takes bytes`);
    return { preprocessing: { range: [0, 255] as [number, number] } };
  }
  const { preprocessing, note } = pixelRange(nodes, "'torch' for torchvision's");
  notes.push(note);
  return preprocessing ? { preprocessing } : {};
}

async function importModel(path: string, settings: ImportSettings): Promise<ImportedCnn> {
  const fail = (problem: string): never => {
    throw new CumulensError('ERR_FORMAT', `${path}: ${problem}`);
  };
  const bytes = await readBytes(path);
  const model = decodeModel(bytes, path);
  const opset = opsetOf(model, fail);
  const graph = readGraph(model.graph, path);
  const refuse = (tensor: TensorMessage, problem: string) => fail(`tensor '${tensor.name}' ${problem}`);
  const tensors = tensorsOf(model);
  const external = await loadExternal(tensors, path, refuse);
  for (const tensor of tensors) checkTensor(tensor, (problem) => refuse(tensor, problem));

  const notes: string[] = [];
  const output = outputOf(model, notes, fail);
  const images = imagesOf(model, graph, output, fail);
  const size = inputSizeOf(images.dims, images.channelsLast ? 'channels_last' : 'channels_first', settings, path);
  const translator = new OnnxTranslator({
    what: path,
    graph,
    opset,
    input: { name: images.name, view: imagesView(size, images.channelsLast), batch: images.dims[0] ?? undefined },
    output,
    size,
    bytes: bytes.length + external,
  });
  const logits = translator.finish(translator.run());
  const { nodes, weights } = translator.writer;
  notes.push(...translator.writer.notes);
  const last = leaveOutLast(nodes, logits.node, notes);
  const prepared = preparationOf(model, images, nodes, notes);
  return {
    spec: {
      name: basename(path, extname(path)),
      input: size,
      nodes,
      output: last,
      tapAt: impliedTapAt(nodes),
      ...prepared,
      ...classNames(classList(model.metadataProps), logits.shape[0] ?? 0, notes),
    },
    weights,
    notes,
  };
}

/**
 * Reads an .onnx file and those that it keeps its weights in. Nothing in it is run.
 * @throws CumulensError ERR_IO, ERR_FORMAT naming the node, tensor or field that is wrong or not supported
 */
export const importOnnx: Importer = importModel;
