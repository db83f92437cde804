// A CNN and images for tests that need some work done, and the same at every call.
import { Cnn, CnnBuilder, Tensor } from '../../dist/index.js';

/** Three convolutions on [3, size, size] images, with weights from a fixed seed. */
export function smallCnn(size = 32) {
  const net = new CnnBuilder({ channels: 3, height: size, width: size });
  let x = net.input;
  for (const filters of [8, 16, 16]) x = net.add('relu', net.add('conv2d', x, { filters, kernel: 3, padding: 'same' }));
  x = net.add('globalAvgPool2d', x);
  return Cnn.create(net.build(net.add('linear', x, { units: 5 })), { device: 'cpu', seed: 3 });
}

/** [count, 3, size, size] in [0, 1], the same at every call. */
export function someImages(count, size = 32) {
  const values = Float32Array.from({ length: count * 3 * size * size }, (_, i) => ((i * 7919) % 997) / 996);
  return Tensor.from(values, [count, 3, size, size]);
}

/** Frees every tensor of a result. */
export function disposeAll(result) {
  for (const value of Object.values(result)) if (Tensor.isTensor(value)) value.dispose();
}
