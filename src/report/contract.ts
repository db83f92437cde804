/** What the addon offers for pictures in pages: uint8 RGB [n, height, width, 3] on the CPU, as image encoders take pixels. */
import type { NativeCall, NativeTensor } from '../native.js';

/** [height, width] */
type Size = readonly [number, number];

export interface PicturesContract {
  /** Images [n, 3 or 1, H, W] at `size`, the outline of their masks [n, 1, h, w] drawn around them. */
  drawImages(
    images: NativeTensor,
    masks: NativeTensor | undefined,
    options: { size: Size },
    call?: NativeCall,
  ): Promise<NativeTensor>;
  /** Maps [n, 1, H, W], uint8 or float in [0, 1], at `size`, in viridis. */
  drawMaps(maps: NativeTensor, options: { size: Size }, call?: NativeCall): Promise<NativeTensor>;
  /** The P maps of each sample [n, P, H, W] side by side in viridis, at their own size. */
  drawStrips(maps: NativeTensor, call?: NativeCall): Promise<NativeTensor>;
}
