export { CumulensError, type ErrorCode } from './errors.js';
export { Tensor, memory } from './tensor.js';
export { readSafetensors, writeSafetensors, type SafetensorsFile } from './safetensors.js';
export {
  Cnn,
  type CreateCnnOptions,
  type Explanation,
  type ExplainOptions,
  type LoadCnnOptions,
  type Prediction,
  type PredictOptions,
} from './cnn/cnn.js';
export { CnnBuilder } from './cnn/builder.js';
export { cnnJsonSchema, parseCnnSpec, type CnnSpec, type CnnSpecInput } from './cnn/spec.js';
export { keptPositions, MAP_METHODS, type MapMethod, type MapOptions } from './maps/options.js';
