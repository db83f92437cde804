// METHOD §9's scores as one writes them down: one image at a time, one changed picture at a time, over the public API. Slow on purpose, and
// the same values: bench/scores.mjs compares both.
import { Tensor } from '../dist/index.js';

const range = (count) => Array.from({ length: count }, (_, i) => i);
const sum = (values) => values.reduce((a, b) => a + b, 0);

/** One image of a CNN without preprocessing, its map and class. */
export class PlainImage {
  /** @param {{ cnn: import('../dist/index.js').Cnn, pixels: Float32Array, map: Float32Array, size: number, target: number }} given */
  constructor(given) {
    Object.assign(this, given);
    this.area = this.size * this.size;
    this.order = range(this.area).sort((a, b) => this.map[b] - this.map[a]);
  }

  tensor(pixels = this.pixels) {
    return Tensor.from(pixels, [1, 3, this.size, this.size]);
  }

  /** The logit and the probability of the class. */
  async outputs(pixels) {
    const input = this.tensor(pixels);
    const { logits, probabilities } = await this.cnn.predict(input);
    const [y, p] = [(await logits.data())[this.target], (await probabilities.data())[this.target]];
    for (const tensor of [input, logits, probabilities]) tensor.dispose();
    return { y, p };
  }

  /** The pixels, with those at `places` replaced in all channels. */
  replaced(places, by) {
    const pixels = Float32Array.from(this.pixels);
    for (const place of places)
      for (let c = 0; c < 3; c++) pixels[c * this.area + place] = by === undefined ? 0 : by[c * this.area + place];
    return pixels;
  }

  async deletion(steps) {
    const points = [];
    for (const k of range(steps + 1)) {
      const count = Math.floor((k * this.area) / steps + 0.5);
      points.push([count / this.area, (await this.outputs(this.replaced(this.order.slice(0, count)))).p]);
    }
    return area(points);
  }

  async insertion(steps) {
    const gone = blurred(this.pixels, this.size);
    const points = [];
    for (const k of range(steps + 1)) {
      const count = Math.floor((k * this.area) / steps + 0.5);
      points.push([count / this.area, (await this.outputs(this.replaced(this.order.slice(count), gone))).p]);
    }
    return area(points);
  }

  async road() {
    const differences = [];
    for (const tenth of range(9)) {
      const count = Math.floor(((tenth + 1) * this.area) / 10 + 0.5);
      const [most, least] = [this.order.slice(0, count), this.order.slice(this.area - count)];
      const [without, beside] = [await this.outputs(this.imputed(most)), await this.outputs(this.imputed(least))];
      differences.push((beside.p - without.p) / 2);
    }
    return sum(differences) / 9;
  }

  /** Conjugate gradients for each channel, to a residual of 1e-4. */
  imputed(places) {
    const { size, area: pixels } = this;
    const missing = new Uint8Array(pixels);
    for (const place of places) missing[place] = 1;
    const around = (v, place) => {
      const [y, x] = [Math.floor(place / size), place % size];
      let total = 0;
      let weight = 0;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if ((dy === 0 && dx === 0) || y + dy < 0 || y + dy >= size || x + dx < 0 || x + dx >= size) continue;
          const w = dy !== 0 && dx !== 0 ? 1 / 12 : 1 / 6;
          total += w * v[place + dy * size + dx];
          weight += w;
        }
      }
      return { total, weight };
    };
    const filled = this.replaced(places);
    for (let c = 0; c < 3; c++) {
      const plane = filled.subarray(c * pixels, (c + 1) * pixels);
      const residual = Float64Array.from(plane, (_, i) => (missing[i] ? around(plane, i).total : 0));
      const direction = Float64Array.from(residual);
      const value = new Float64Array(pixels);
      let squares = sum(residual.map((r) => r * r));
      const enough = 1e-8 * squares;
      while (squares > enough) {
        const product = Float64Array.from(direction, (d, i) => {
          if (!missing[i]) return 0;
          const { total, weight } = around(direction, i);
          return weight * d - total;
        });
        const step = squares / sum(product.map((v, i) => v * direction[i]));
        for (const place of places) {
          value[place] += step * direction[place];
          residual[place] -= step * product[place];
        }
        const after = sum(residual.map((r) => r * r));
        for (const place of places) direction[place] = residual[place] + (after / squares) * direction[place];
        squares = after;
      }
      for (const place of places) plane[place] = value[place];
    }
    return filled;
  }

  async avgDrop() {
    const [whole, masked] = await this.#wholeAndMasked();
    return (100 * Math.max(0, whole - masked)) / whole;
  }

  async avgIncrease() {
    const [whole, masked] = await this.#wholeAndMasked();
    return masked > whole ? 100 : 0;
  }

  async avgGain() {
    const [whole, masked] = await this.#wholeAndMasked();
    return (100 * Math.max(0, masked - whole)) / (1 - whole);
  }

  async #wholeAndMasked() {
    return [(await this.outputs(this.pixels)).p, (await this.outputs(this.#masked())).p];
  }

  #masked() {
    return Float32Array.from(this.pixels, (v, i) => v * this.map[i % this.area]);
  }

  /** @param squares [top, left, side] of each draw */
  async infidelity(squares) {
    const whole = await this.outputs(this.pixels);
    const [claimed, expected] = [[], []];
    for (const [top, left, side] of squares) {
      const places = range(side * side).map((i) => (top + Math.floor(i / side)) * this.size + left + (i % side));
      claimed.push(sum(places.map((at) => this.map[at] * sum(range(3).map((c) => this.pixels[c * this.area + at])))));
      expected.push(whole.y - (await this.outputs(this.replaced(places))).y);
    }
    const scale = sum(claimed.map((v, i) => v * expected[i])) / sum(claimed.map((v) => v * v));
    return sum(claimed.map((v, i) => (scale * v - expected[i]) ** 2)) / squares.length;
  }

  async coherency(method, request) {
    return (correlation(this.map, await this.#explained(this.#masked(), method, request)) + 1) / 2;
  }

  async adcc(method, request) {
    const coherency = await this.coherency(method, request);
    return 3 / (1 / coherency + 1 / (1 - this.complexity()) + 1 / (1 - (await this.avgDrop()) / 100));
  }

  /** @param shaken pictures with noise, a Float32Array a draw */
  async maxSensitivity(shaken, method, request) {
    const changes = [];
    for (const pixels of shaken) {
      const again = await this.#explained(pixels, method, request);
      changes.push(Math.hypot(...again.map((v, i) => v - this.map[i])) / Math.hypot(...this.map));
    }
    return Math.max(...changes);
  }

  async #explained(pixels, method, request) {
    const images = this.tensor(pixels);
    const target = Tensor.from(BigInt64Array.of(BigInt(this.target)), [1]);
    const maps = await method.explain({ ...request, cnn: this.cnn, images, target });
    const values = Array.from(await maps.data());
    for (const tensor of [images, target, maps]) tensor.dispose();
    return values;
  }

  complexity() {
    return sum(this.map) / this.area;
  }

  sparseness() {
    const sorted = Array.from(this.map).sort((a, b) => a - b);
    return sum(sorted.map((v, i) => (2 * (i + 1) - this.area - 1) * v)) / (this.area * sum(sorted));
  }

  /** @param mask 0 or 1, a pixel each */
  energyInMask(mask) {
    return sum(this.map.map((v, i) => v * mask[i])) / sum(this.map);
  }

  pointingGame(mask) {
    const most = Math.max(...this.map);
    return this.map.some((v, i) => v === most && mask[i] === 1) ? 1 : 0;
  }

  /** Of what lies above Otsu's threshold: the cut of 256 bins with the greatest variance between its sides. */
  iou(mask) {
    const low = Math.min(...this.map);
    const width = (Math.max(...this.map) - low) / 256;
    const counts = new Float64Array(256);
    for (const v of this.map) counts[Math.min(255, Math.floor((v - low) / width))]++;
    const centre = (bin) => low + (bin + 0.5) * width;
    const total = sum(Array.from(counts, (n, bin) => n * centre(bin)));
    let [n, under] = [0, 0];
    const apart = range(255).map((cut) => {
      n += counts[cut];
      under += counts[cut] * centre(cut);
      const m = this.area - n;
      return n > 0 && m > 0 ? n * m * (under / n - (total - under) / m) ** 2 : 0;
    });
    const threshold = centre(apart.indexOf(Math.max(...apart)));
    const bright = Array.from(this.map, (v) => v >= threshold);
    const both = bright.filter((is, i) => is && mask[i] === 1).length;
    return both / bright.filter((is, i) => is || mask[i] === 1).length;
  }

  mae(target) {
    return sum(this.map.map((v, i) => Math.abs(v - target[i]))) / this.area;
  }

  psnr(target) {
    return -10 * Math.log10(sum(this.map.map((v, i) => (v - target[i]) ** 2)) / this.area);
  }

  pearson(target) {
    return correlation(this.map, target);
  }

  /** Means over windows of 11×11 that lie inside, weighed by a Gaussian of σ 1.5. */
  ssim(target) {
    const weights = range(121).map((i) => Math.exp(-((Math.floor(i / 11) - 5) ** 2 + ((i % 11) - 5) ** 2) / 4.5));
    const total = sum(weights);
    const positions = this.size - 10;
    const values = range(positions * positions).map((window) => {
      const at = (i) =>
        (Math.floor(window / positions) + Math.floor(i / 11)) * this.size + (window % positions) + (i % 11);
      const mean = (of) => sum(weights.map((w, i) => (w / total) * of(at(i))));
      const [x, y] = [(i) => this.map[i], (i) => target[i]];
      const [mx, my] = [mean(x), mean(y)];
      const [vx, vy] = [mean((i) => x(i) ** 2) - mx ** 2, mean((i) => y(i) ** 2) - my ** 2];
      const together = mean((i) => x(i) * y(i)) - mx * my;
      return ((2 * mx * my + 1e-4) * (2 * together + 9e-4)) / ((mx ** 2 + my ** 2 + 1e-4) * (vx + vy + 9e-4));
    });
    return sum(values) / values.length;
  }
}

function correlation(one, other) {
  const centred = (map) => {
    const mean = sum(map) / map.length;
    return Array.from(map, (v) => v - mean);
  };
  const [a, b] = [centred(one), centred(other)];
  const inner = (x, y) => sum(x.map((v, i) => v * y[i]));
  return inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b));
}

/** Trapezoids under points [x, y]. */
function area(points) {
  return sum(points.slice(1).map(([x, y], i) => ((x - points[i][0]) * (y + points[i][1])) / 2));
}

/** A Gaussian along rows and columns, twice, borders mirrored. */
function blurred(pixels, size) {
  const scale = size / 64;
  const half = Math.max(1, Math.round(5 * scale));
  const weights = range(2 * half + 1).map((i) => Math.exp(-((i - half) ** 2) / (2 * (5 * scale) ** 2)));
  const total = sum(weights);
  const mirrored = (i) => Math.min(Math.abs(i), 2 * (size - 1) - Math.abs(i));
  let image = Float64Array.from(pixels);
  for (const stride of [1, size, 1, size]) {
    image = image.map((_, place, all) => {
      const at = Math.floor(place / stride) % size;
      return sum(weights.map((w, k) => (w / total) * all[place + (mirrored(at + k - half) - at) * stride]));
    });
  }
  return Float32Array.from(image);
}
