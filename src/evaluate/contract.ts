/** What every way to explain a CNN looks like to what scores it. */
import type { Cnn } from '../cnn/cnn.js';
import type { Tensor } from '../tensor.js';

/** Where a map comes from; `baseline` is not an explanation of the CNN, and stands in a comparison to show what a score is worth. */
export type MethodKind = 'cam' | 'gradient' | 'perturbation' | 'generator' | 'baseline';

export interface ExplainRequest {
  /** The CNN that is explained: not always the method's usual one, since sanity checks change its weights. */
  cnn: Cnn;
  /** [n, C, H, W] as `cnn.predict` takes them: uint8 or float in [0, 1], of the CNN's input size. */
  images: Tensor;
  /** int64 [n], the class of each image whose logit is explained. */
  target: Tensor;
  /** Of all that is drawn at random, with `first`, the index of the first image in its data set: results do not depend on batches. */
  seed: number;
  first: number;
  signal?: AbortSignal | undefined;
}

/** A way to explain, with its settings chosen. */
export interface ExplanationMethod {
  /** As options name it: 'gradcam', 'rise', 'lsft:runs/a' … */
  readonly name: string;
  /** As tables show it. */
  readonly label: string;
  readonly kind: MethodKind;
  /** Where it was published, or what it is. */
  readonly source: string;
  /** Everything the result depends on. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** @returns float [n, 1, H, W] in [0, 1] on the CNN's device, H and W those of the CNN's input; the caller disposes of it. */
  explain(request: ExplainRequest): Promise<Tensor>;
}
