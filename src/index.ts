export { CumulensError, type ErrorCode } from './errors.js';
export { Tensor, memory } from './tensor.js';
export { readSafetensors, writeSafetensors, type SafetensorsFile } from './safetensors.js';
