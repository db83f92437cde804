/**
 * ONNX's container: protobuf, read by protobufjs. Of the schema (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, Apache-2.0, © ONNX Project
 * Contributors) only what a CNN needs is here; other fields are passed over. Nothing in it nests without end: graphs within
 * nodes stay bytes.
 */
import protobuf from 'protobufjs';

import { CumulensError } from '../../../errors.js';

// Numbers of tensors are packed one after another, so that `bytes` are a view of them, where the schema would make a list.
const SCHEMA = `
  syntax = "proto2";
  message Entry { optional string key = 1; optional string value = 2; }
  message Tensor {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    optional bytes segment = 3;
    repeated bytes float_data = 4;
    repeated bytes int32_data = 5;
    repeated bytes int64_data = 7;
    optional string name = 8;
    optional bytes raw_data = 9;
    repeated bytes double_data = 10;
    repeated bytes uint64_data = 11;
    repeated Entry external_data = 13;
    optional int32 data_location = 14;
  }
  message Attribute {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    optional Tensor t = 5;
    optional bytes g = 6;
    repeated float floats = 7;
    repeated int64 ints = 8;
    optional int32 type = 20;
    optional string ref_attr_name = 21;
  }
  message Node {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated Attribute attribute = 5;
    optional string domain = 7;
    repeated Entry metadata_props = 9;
  }
  message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
  message Shape { repeated Dimension dim = 1; }
  message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
  message Type { optional TensorType tensor_type = 1; }
  message ValueInfo { optional string name = 1; optional Type type = 2; }
  message Graph {
    repeated Node node = 1;
    optional string name = 2;
    repeated Tensor initializer = 5;
    repeated ValueInfo input = 11;
    repeated ValueInfo output = 12;
    repeated bytes sparse_initializer = 15;
  }
  message OperatorSet { optional string domain = 1; optional int64 version = 2; }
  message Model {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional Graph graph = 7;
    repeated OperatorSet opset_import = 8;
    repeated Entry metadata_props = 14;
  }`;

/** A whole number of 64 bits; where the field is absent, an object that stands for 0. */
export type Whole = number | object;
export const whole = (value: Whole): number => Number(value);

export interface Entry {
  key: string;
  value: string;
}

/** A TensorProto. Fields that are absent have protobuf's defaults: 0, '', no bytes, none. */
export interface TensorMessage {
  name: string;
  dims: readonly number[];
  dataType: number;
  segment?: Uint8Array;
  rawData: Uint8Array;
  floatData: readonly Uint8Array[];
  int32Data: readonly Uint8Array[];
  int64Data: readonly Uint8Array[];
  doubleData: readonly Uint8Array[];
  uint64Data: readonly Uint8Array[];
  externalData: readonly Entry[];
  /** 1: in another file */
  dataLocation: number;
}

/** An AttributeProto: which of the fields is meant, `type` says. */
export interface AttributeMessage {
  name: string;
  type: number;
  f: number;
  i: Whole;
  s: Buffer;
  t?: TensorMessage;
  floats: readonly number[];
  ints: readonly number[];
  refAttrName: string;
}

export interface NodeMessage {
  name: string;
  opType: string;
  domain: string;
  input: readonly string[];
  output: readonly string[];
  attribute: readonly AttributeMessage[];
  metadataProps: readonly Entry[];
}

export interface ValueMessage {
  name: string;
  type?: {
    tensorType?: { elemType: number; shape?: { dim: readonly { dimValue: Whole; dimParam: string }[] } };
  };
}

export interface GraphMessage {
  name: string;
  node: readonly NodeMessage[];
  initializer: readonly TensorMessage[];
  input: readonly ValueMessage[];
  output: readonly ValueMessage[];
  sparseInitializer: readonly Uint8Array[];
}

export interface ModelMessage {
  irVersion: Whole;
  producerName: string;
  graph: GraphMessage;
  opsetImport: readonly { domain: string; version: Whole }[];
  metadataProps: readonly Entry[];
}

/** @internal tests write models with it */
export const Model = protobuf.parse(SCHEMA).root.lookupType('Model');

/** Fields and numbers of a file: an object each, of a few bytes in the file. The largest CNNs have a hundred thousand. */
const MAX_FIELDS = 4_000_000;

/** Reads up to a number of fields; whole numbers of 64 bits come as JavaScript's. */
function boundedReader(bytes: Buffer): protobuf.Reader {
  const reader = protobuf.Reader.create(bytes);
  const [tag, int64] = [reader.tag.bind(reader), reader.int64.bind(reader)];
  let fields = 0;
  const count = (): void => {
    if (++fields > MAX_FIELDS) throw new Error(`it has more than ${MAX_FIELDS} fields`);
  };
  return Object.assign(reader, {
    tag: () => {
      count();
      return tag();
    },
    int64: () => {
      count();
      return Number(int64());
    },
  });
}

/**
 * A model's message. Tensors' bytes are views of `bytes`.
 * @param what names the file in errors
 * @throws CumulensError ERR_FORMAT when the bytes are none, or not all of one
 */
export function decodeModel(bytes: Buffer, what: string): ModelMessage {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new CumulensError('ERR_FORMAT', `${what}: not an ONNX model, or not all of one: ${problem}`, { cause });
  };
  try {
    const model = Model.decode(boundedReader(bytes)) as unknown as ModelMessage;
    if (!Object.hasOwn(model, 'graph') || !Object.hasOwn(model, 'irVersion')) return refuse('it has no graph');
    return model;
  } catch (cause) {
    if (cause instanceof CumulensError) throw cause;
    return refuse((cause as Error).message, cause);
  }
}
