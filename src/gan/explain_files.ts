/** Explains image files: pictures of the maps, the maps themselves, and a summary. */
import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';

import sharp from 'sharp';
import { z } from 'zod';

import { Cnn, type Explanation } from '../cnn/cnn.js';
import { decodeImage, IMAGE_EXTENSIONS, readImageFile } from '../data/decode.js';
import { writeNpy } from '../data/npy.js';
import { CumulensError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import { abortError, native } from '../native.js';
import { parseOptions } from '../options.js';
import { Tensor } from '../tensor.js';
import { mapOptionsOf, sizeOf } from './conditions.js';
import { Generator, type Conditioning } from './generator.js';

/** Pictures are shown at least this large: maps of 64 pixels are hard to see. */
const SHOWN = 256;
const OVERLAY_OPACITY = 0.5;
const LABELLED =
  "the generator was trained to explain each sample's label, which files have not: the predicted class is explained";

const callback = <T>() => z.custom<(value: T) => void>((value) => typeof value === 'function').optional();
const optionsSchema = z.strictObject({
  cnn: z.union([z.string(), z.custom<Cnn>((value) => value instanceof Cnn)]),
  generator: z.union([z.string(), z.custom<Generator>((value) => value instanceof Generator)]),
  out: z.string().min(1),
  device: z.string().default('auto'),
  colormap: z.enum(['viridis', 'jet']).default('viridis'),
  batchSize: z.number().int().positive().default(32),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: callback<{ done: number; total: number }>(),
  /** Told of each file that cannot be read; without it, the first one is an error. */
  onProblem: callback<string>(),
});
export type ExplainFilesOptions = z.input<typeof optionsSchema>;

export interface ExplainedFile {
  file: string;
  /** The class that was predicted: its name, or number. */
  class: string;
  probability: number;
  /** The class that was explained: the predicted one, unless the generator was trained for one class. */
  explained: string;
  /** Files beside summary.json. */
  heatmap: string;
  overlay: string;
  sideBySide: string;
  map: string;
}

export interface ExplainSummary {
  images: ExplainedFile[];
  failed: { file: string; reason: string }[];
  /** What is not as in the generator's training. */
  warnings: string[];
  colormap: string;
  /** Seconds: reading the images, the CNN with its maps, the generator, writing the pictures. */
  seconds: { decode: number; cnn: number; generator: number; write: number };
}

/** The image files that the paths name, folders by their files in order. @throws CumulensError ERR_IO, ERR_OPTION */
async function listFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((cause: unknown) => {
      throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
    });
    if (!found.isDirectory()) {
      files.push(path);
      continue;
    }
    const names = (await readdir(path, { recursive: true })).sort();
    files.push(
      ...names
        .filter((name) => (IMAGE_EXTENSIONS as readonly string[]).includes(extname(name).toLowerCase()))
        .map((name) => join(path, name)),
    );
  }
  if (files.length === 0) throw new CumulensError('ERR_OPTION', `explain: there are no images in ${paths.join(', ')}`);
  return files;
}

/** A name for each file's pictures: its own, with a number where two have the same. */
function uniqueNames(files: readonly string[]): string[] {
  const used = new Set<string>();
  const next = new Map<string, number>();
  return files.map((file) => {
    const own = basename(file, extname(file));
    let name = own;
    for (let count = next.get(own) ?? 2; used.has(name); count++) {
      name = `${own}-${count}`;
      next.set(own, count + 1);
    }
    used.add(name);
    return name;
  });
}

/** One image, decoded at the CNN's size. */
interface Decoded {
  file: string;
  name: string;
  pixels: Buffer;
}

/** The interleaved bytes of planar images. */
async function interleave(images: Tensor): Promise<Uint8Array> {
  const pixels = await native.channelsLast(images);
  const bytes = (await pixels.data()) as Uint8Array;
  pixels.dispose();
  return bytes;
}

/**
 * Explains image files: for each a heat map, an overlay, a side-by-side PNG and the raw map as `.npy`; and `summary.json`.
 * @param paths image files, or folders of them
 * @throws CumulensError ERR_IO, ERR_FORMAT, ERR_OPTION when CNN and generator do not fit, ERR_ABORTED
 */
export async function explainFiles(paths: readonly string[], options: ExplainFilesOptions): Promise<ExplainSummary> {
  const parsed = parseOptions(optionsSchema, options, 'explain');
  const files = await listFiles(paths);
  const cnn = typeof parsed.cnn === 'string' ? await Cnn.load(parsed.cnn, { device: parsed.device }) : parsed.cnn;
  const generator =
    typeof parsed.generator === 'string'
      ? await Generator.load(parsed.generator, { device: parsed.device })
      : parsed.generator;
  try {
    return await new FileExplainer(cnn, generator, parsed).run(files);
  } finally {
    if (typeof parsed.cnn === 'string') cnn.dispose();
    if (typeof parsed.generator === 'string') generator.dispose();
  }
}

class FileExplainer {
  readonly #cnn: Cnn;
  readonly #generator: Generator;
  readonly #options: z.output<typeof optionsSchema>;
  readonly #size: number;
  readonly #summary: ExplainSummary;

  constructor(cnn: Cnn, generator: Generator, options: z.output<typeof optionsSchema>) {
    this.#cnn = cnn;
    this.#generator = generator;
    this.#options = options;
    this.#size = sizeOf(generator, cnn);
    const seconds = { decode: 0, cnn: 0, generator: 0, write: 0 };
    const warnings = generator.origin.conditioning?.target === 'label' ? [LABELLED] : [];
    this.#summary = { images: [], failed: [], warnings, colormap: options.colormap, seconds };
  }

  async run(files: readonly string[]): Promise<ExplainSummary> {
    const { out, batchSize, signal, onProgress } = this.#options;
    await mkdir(out, { recursive: true });
    const names = uniqueNames(files);
    for (let begin = 0; begin < files.length; begin += batchSize) {
      if (signal?.aborted) throw abortError(signal);
      const decoded: Decoded[] = [];
      for (let i = begin; i < Math.min(begin + batchSize, files.length); i++) {
        const one = await this.#timed('decode', () => this.#decode(files[i] as string, names[i] as string));
        if (one) decoded.push(one);
      }
      if (decoded.length > 0) await this.#explain(decoded);
      onProgress?.({ done: Math.min(begin + batchSize, files.length), total: files.length });
    }
    await writeFileAtomic(join(out, 'summary.json'), `${JSON.stringify(this.#summary, null, 2)}\n`);
    return this.#summary;
  }

  async #timed<T>(part: keyof ExplainSummary['seconds'], work: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    try {
      return await work();
    } finally {
      this.#summary.seconds[part] += (performance.now() - begin) / 1000;
    }
  }

  async #decode(file: string, name: string): Promise<Decoded | undefined> {
    try {
      const bytes = await readImageFile(file);
      const { height, width } = this.#cnn.spec.input;
      const { fit, scale, interpolation } = this.#generator.origin.conditioning ?? this.#cnn.spec.preprocessing.resize;
      return { file, name, pixels: await decodeImage(bytes, { height, width, fit, scale, interpolation }, file) };
    } catch (error) {
      if (!(error instanceof CumulensError) || !this.#options.onProblem) throw error;
      this.#summary.failed.push({ file, reason: error.message });
      this.#options.onProblem(error.message);
      return undefined;
    }
  }

  async #explain(decoded: readonly Decoded[]): Promise<void> {
    const { signal, batchSize, colormap } = this.#options;
    const { height, width } = this.#cnn.spec.input;
    // As in the training data, the generator sees the CNN's own picture at another size, so that it lies under the conditions.
    const resized = (size: readonly [number, number]): Promise<Tensor> =>
      native.packImages(
        decoded.map(({ pixels }) => pixels),
        { height, width, layout: 'hwc', size },
      );
    const images = await resized([height, width]);
    const small = await resized([this.#size, this.#size]);
    const conditioning = this.#generator.origin.conditioning ?? {};
    const { target = 'predicted' } = conditioning as Partial<Conditioning>;
    const follow = { batchSize, ...(signal ? { signal } : {}) };
    const explained = await this.#timed('cnn', () =>
      this.#cnn.explain(images, {
        ...mapOptionsOf(conditioning),
        target: target === 'label' ? 'predicted' : target,
        conditions: this.#generator.config.conditions,
        size: this.#size,
        maps: false,
        ...follow,
      }),
    );
    const maps = await this.#timed('generator', () => this.#generator.explain(small, explained.cumulative, follow));
    await this.#timed('write', () => this.#write(decoded, small, explained, maps, colormap));
    for (const tensor of [
      images,
      small,
      explained.logits,
      explained.targetMap,
      explained.cumulative,
      explained.probabilities,
      maps,
    ])
      tensor.dispose();
  }

  async #write(
    decoded: readonly Decoded[],
    small: Tensor,
    { predicted, targetClass, probabilities }: Pick<Explanation, 'predicted' | 'targetClass' | 'probabilities'>,
    maps: Tensor,
    colormap: string,
  ): Promise<void> {
    const colours = await native.colourise(maps, colormap);
    const [shown, heat] = [await interleave(small), await interleave(colours)];
    colours.dispose();
    const values = (await maps.data()) as Float32Array;
    const odds = (await probabilities.data()) as Float32Array;
    const area = this.#size ** 2;
    const className = (index: number): string => this.#cnn.spec.classes?.[index] ?? String(index);
    for (const [i, image] of decoded.entries()) {
      const [from, to] = [3 * area * i, 3 * area * (i + 1)];
      const files = await this.#writePictures(image.name, shown.subarray(from, to), heat.subarray(from, to));
      const raw = Tensor.from(values.slice(area * i, area * (i + 1)), [this.#size, this.#size]);
      const map = `${image.name}.npy`;
      await writeNpy(join(this.#options.out, map), raw);
      raw.dispose();
      const index = predicted[i] as number;
      const probability = odds[i * (odds.length / decoded.length) + index] as number;
      const explained = className(targetClass[i] as number);
      this.#summary.images.push({ file: image.file, class: className(index), probability, explained, ...files, map });
    }
  }

  /** Heat map, overlay, and image | heat map | overlay. */
  async #writePictures(
    name: string,
    shown: Uint8Array,
    heat: Uint8Array,
  ): Promise<{ heatmap: string; overlay: string; sideBySide: string }> {
    const side = this.#size * Math.max(1, Math.ceil(SHOWN / this.#size));
    const enlarge = (pixels: Uint8Array) =>
      sharp(pixels, { raw: { width: this.#size, height: this.#size, channels: 3 } }).resize(side, side, {
        kernel: 'cubic',
      });
    const [image, heatmap] = await Promise.all([enlarge(shown).png().toBuffer(), enlarge(heat).png().toBuffer()]);
    const veil = await sharp(heatmap).ensureAlpha(OVERLAY_OPACITY).png().toBuffer();
    const overlay = await sharp(image)
      .composite([{ input: veil }])
      .removeAlpha()
      .png()
      .toBuffer();
    const gap = 8;
    const sideBySide = await sharp({
      create: { width: 3 * side + 2 * gap, height: side, channels: 3, background: '#ffffff' },
    })
      .composite([image, heatmap, overlay].map((input, i) => ({ input, left: i * (side + gap), top: 0 })))
      .removeAlpha()
      .png()
      .toBuffer();
    const names = {
      heatmap: `${name}.heatmap.png`,
      overlay: `${name}.overlay.png`,
      sideBySide: `${name}.side-by-side.png`,
    };
    await writeFileAtomic(join(this.#options.out, names.heatmap), heatmap);
    await writeFileAtomic(join(this.#options.out, names.overlay), overlay);
    await writeFileAtomic(join(this.#options.out, names.sideBySide), sideBySide);
    return names;
  }
}
