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
export type { Images, Picture } from './cnn/images.js';
export { trainCnn, type TrainCnnEvent, type TrainCnnResult } from './cnn/train.js';
export type { TrainCnnOptions } from './cnn/train_options.js';
export { small, type SmallOptions } from './cnn/zoo/small.js';
export { Run } from './run.js';
export { CnnBuilder } from './cnn/builder.js';
export { cnnJsonSchema, parseCnnSpec, type CnnSpec, type CnnSpecInput } from './cnn/spec.js';
export { keptPositions, MAP_METHODS, type MapMethod, type MapOptions } from './maps/options.js';
export {
  composeImages,
  createComposedDataset,
  type ComposedDatasetOptions,
  type ComposedImages,
  type ComposeOptions,
} from './data/composed.js';
export { Dataset, DatasetSplit, openDataset, type BatchOptions, type Samples } from './data/dataset.js';
export {
  createCifar10Dataset,
  createFashionMnistDataset,
  createFolderDataset,
  type ArchiveDatasetOptions,
  type FolderDatasetOptions,
} from './data/ingest.js';
export { readNpy, writeNpy } from './data/npy.js';
export type { DataProgress, DatasetReport } from './data/output.js';
export { prepare } from './data/prepare.js';
export type { PrepareOptions } from './data/prepare_options.js';
export type { Problem } from './data/problems.js';
export {
  Generator,
  type Conditioning,
  type CreateGeneratorOptions,
  type GeneratorExplainOptions,
  type LoadGeneratorOptions,
} from './gan/generator.js';
export { TRAIN_PRESETS, type GeneratorConfig, type GeneratorOptions, type TrainSettings } from './gan/config.js';
export { trainGan, type TrainGanEvent, type TrainGanOptions, type TrainGanResult } from './gan/train.js';
export {
  explainFiles,
  type ExplainedFile,
  type ExplainFilesOptions,
  type ExplainSummary,
} from './gan/explain_files.js';
export { compareWithBaselines, type CompareOptions, type Comparison } from './evaluate/compare.js';
export type { MethodResult, ScoreResult } from './evaluate/score_table.js';
