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
  type TapDescription,
} from './cnn/cnn.js';
export type { Images, Picture } from './cnn/images.js';
export { trainCnn, type TrainCnnEvent, type TrainCnnResult } from './cnn/train.js';
export type { TrainCnnOptions } from './cnn/train_options.js';
export { ARCHITECTURES, type ArchitectureName } from './cnn/zoo/architectures.js';
export { densenet121 } from './cnn/zoo/densenet.js';
export { efficientnetB0 } from './cnn/zoo/efficientnet.js';
export { inceptionv3 } from './cnn/zoo/inception.js';
export { mobilenetv2 } from './cnn/zoo/mobilenet.js';
export type { ZooOptions } from './cnn/zoo/options.js';
export { resnet18, resnet50 } from './cnn/zoo/resnet.js';
export { small, type SmallOptions } from './cnn/zoo/small.js';
export { vgg16 } from './cnn/zoo/vgg.js';
export { Run } from './run.js';
export type { ImportOptions } from './cnn/import/import.js';
export { PREPROCESSING_MODES, type PreprocessingMode, type PreprocessingOption } from './cnn/preprocessing.js';
export type { TapSelection } from './cnn/taps.js';
export { CnnBuilder } from './cnn/builder.js';
export type { ScriptSpec } from './cnn/script/spec.js';
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
export {
  compareWithBaselines,
  type CompareOptions,
  type Comparison,
  type MethodResult,
  type ScoreResult,
} from './evaluate/compare.js';
export { createScorer, describeScore, SCORES, SCORE_NAMES } from './evaluate/scores/scores.js';
export type {
  SampleScores,
  ScoreEntry,
  ScoreName,
  Scorer,
  ScoreRequest,
  ScoreSettings,
} from './evaluate/scores/scores.js';
export { ScoreTable, type Difference, type Ranked, type ScoreSummary, type Verdict } from './evaluate/score_table.js';
export type { ExplainRequest, ExplanationMethod, MethodKind } from './evaluate/contract.js';
export {
  createMethod,
  generatorMethod,
  linearMethod,
  METHOD_NAMES,
  METHODS,
  type ConditioningOption,
  type GeneratorMethodOptions,
  type LinearMethodOptions,
  type MethodDescription,
  type MethodName,
  type MethodSettings,
} from './evaluate/methods/methods.js';
export { relevance, type Relevance, type RelevanceOptions } from './evaluate/relevance.js';
export type { ConditionDepth } from './evaluate/depths.js';
export type { FirstAndLast, KindResult, RelevanceKind, SampleRelevance } from './evaluate/relevance_summary.js';
export type { StudyResult } from './study/results.js';
export { study } from './study/study.js';
export type { StudyOptions } from './study/options.js';
export type { Question, StudyAnswers } from './study/answers.js';
export { evaluate, type Evaluation } from './evaluate/evaluate.js';
export type { EvaluateOptions, EvaluationProgress } from './evaluate/evaluation/options.js';
export { evaluationJsonSchema, readEvaluation, type EvaluationResults } from './evaluate/evaluation/results.js';
