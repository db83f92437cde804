/** What the addon offers to measure maps by. */
import type { NativeCall, NativeCnn, NativeTensor } from '../native.js';

export interface PassesContract {
  /** One forward and one backward pass to one tap, or to all, as autograd alone does them: for bench/. */
  tapGradients(cnn: NativeCnn, images: NativeTensor, tap?: number, call?: NativeCall): Promise<void>;
}
