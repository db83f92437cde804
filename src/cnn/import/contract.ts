/** What an importer is given and what it makes: a spec and its weights, whatever the format they came in. */
import type { CnnSpecInput } from '../spec.js';

/** Float32 values, row-major, in the layout of our ops: kernels [O, I/groups, H, W], matrices [out, in]. */
export interface ImportedTensor {
  shape: readonly number[];
  data: Float32Array;
}

/** A CNN as an importer gives it. */
export interface ImportedCnn {
  /** Without taps unless the source names some: `tapAt` says where they lie. */
  spec: CnnSpecInput;
  /** By name, `<node>.weight` …: exactly those of the spec. */
  weights: Record<string, ImportedTensor>;
  /** What a person should know, a line each: a softmax that was left out, a size that was assumed. */
  notes: string[];
}

/** What a caller may say about a model whose file leaves it open. */
export interface ImportSettings {
  /** For an input whose size the file leaves open; must agree with what the file says. */
  input?: { channels?: number | undefined; height: number; width: number } | undefined;
}

/** Reads a model. @throws CumulensError ERR_IO, ERR_FORMAT naming the node or field that is wrong, or what is not supported. */
export type Importer = (path: string, settings: ImportSettings) => Promise<ImportedCnn>;
