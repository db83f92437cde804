/** What the addon offers for networks whose weights begin anew. */
import type { NativeCall, NativeCnn } from '../native.js';

/** Weights that are drawn together: those of a node, or of a script's module. */
export interface WeightedLayer {
  name: string;
  /** Among them is one of two dimensions or more, as convolutions and linear layers have it and norms have not. */
  kernel: boolean;
}

export interface RandomiseContract {
  /** What the network uses weights of, in network order. ERR_FORMAT where weights are constants of a script's graph. */
  weightedLayers(cnn: NativeCnn, call?: NativeCall): Promise<WeightedLayer[]>;
  /** A network whose `layers` begin anew, by draws that depend on the seed and the layer alone, and which shares all other tensors. */
  randomiseCnn(cnn: NativeCnn, layers: readonly string[], seed: number, call?: NativeCall): Promise<NativeCnn>;
}
