/** The demo's page: tables, and held-out images with what the CNN and the GAN say of them. Opens from disk, without a network. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Dataset } from '../data/dataset.js';
import type { DemoResult } from '../demo/demo.js';
import { COMPARED_SCORES, type MethodResult } from '../evaluate/compare.js';
import { SCORES, type ScoreName } from '../evaluate/scores/scores.js';
import { writeFileAtomic } from '../files.js';
import type { Generator } from '../gan/generator.js';
import { native } from '../native.js';
import type { Tensor } from '../tensor.js';
import { html, Markup } from './html.js';
import { digitsOf, formatMean } from './numbers.js';
import { encodePictures } from './pictures.js';
import { PAGE_STYLE } from './style.js';

/** Pictures are drawn this much larger than the maps, so that outlines are fine lines. */
const SCALE = 4;
const PICTURES = ['image', 'conditions', 'target', 'generated'] as const;

export interface DemoPageOptions {
  out: string;
  result: DemoResult;
  data: Dataset;
  generator: Generator;
  /** How many held-out samples to show, spread over the split. */
  samples: number;
}

interface GalleryEntry {
  pictures: Record<(typeof PICTURES)[number], string>;
  label: string;
  predicted: string;
}

/** Writes one PNG a sample from pixels [n, height, width, 3]. */
async function writePictures(folder: string, name: string, pixels: Tensor): Promise<string[]> {
  const pictures = await encodePictures(pixels, 'png');
  return Promise.all(
    pictures.map(async (png, i) => {
      const file = `${String(i + 1).padStart(2, '0')}-${name}.png`;
      await writeFileAtomic(join(folder, file), png);
      return `pictures/${file}`;
    }),
  );
}

async function writeGallery({ out, data, generator, samples }: DemoPageOptions): Promise<GalleryEntry[]> {
  const folder = join(out, 'pictures');
  await mkdir(folder, { recursive: true });
  const split = data.split('test');
  const count = Math.min(samples, split.count);
  const indices = Array.from({ length: count }, (_, i) => Math.floor((i * split.count) / count));
  const batch = await split.batch(indices);
  const { image, conditions, target, mask, label, predicted } = batch as Record<string, Tensor> &
    Record<'image' | 'conditions' | 'target' | 'label' | 'predicted', Tensor>;
  const generated = await generator.explain(image, conditions);
  const size = [SCALE * data.size[0], SCALE * data.size[1]] as const;
  const files = {
    image: await writePictures(folder, 'image', await native.drawImages(image, mask, { size })),
    conditions: await writePictures(folder, 'conditions', await native.drawStrips(conditions)),
    target: await writePictures(folder, 'target', await native.drawMaps(target, { size })),
    generated: await writePictures(folder, 'gan', await native.drawMaps(generated, { size })),
  };
  const classOf = (index: bigint): string => data.classes[Number(index)] ?? String(index);
  const labels = Array.from((await label.data()) as BigInt64Array, classOf);
  const predictions = Array.from((await predicted.data()) as BigInt64Array, classOf);
  for (const tensor of [...Object.values(batch), generated]) tensor.dispose();
  return indices.map((_, i) => ({
    pictures: Object.fromEntries(PICTURES.map((name) => [name, files[name][i]])) as GalleryEntry['pictures'],
    label: labels[i] ?? '',
    predicted: predictions[i] ?? '',
  }));
}

function scoreTable(caption: string, names: readonly ScoreName[], methods: readonly MethodResult[]): Markup {
  const head = names.map((name) => {
    const { label, better, settings } = SCORES[name];
    return html`<th scope="col" title="${settings}">${label} ${better === 'lower' ? '↓' : '↑'}</th>`;
  });
  const rows = methods.map(({ label, kind, scores }) => {
    const cells = names.map((name) => {
      const score = scores[name];
      if (!score) return html`<td></td>`;
      const beaten = score.generatorBetter ? html`<span class="beaten" title="the GAN is better">*</span>` : html``;
      return html`<td>${formatMean(score, digitsOf(SCORES[name]))}${beaten}</td>`;
    });
    return html`<tr class="${kind}">
      <th scope="row">${label}</th>
      ${cells}
    </tr>`;
  });
  return html`<div class="scroll">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">Method</th>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function galleryRow({ pictures, label, predicted }: GalleryEntry, conditions: number): Markup {
  const right = label === predicted;
  return html`<article>
    <h3>${label} <small class="${right ? 'right' : 'wrong'}">the CNN says ${predicted}</small></h3>
    <div class="row">
      <figure>
        <img src="${pictures.image}" alt="the image, with the outline of the garment" />
        <figcaption>image and mask</figcaption>
      </figure>
      <figure>
        <img src="${pictures.target}" alt="the target map" />
        <figcaption>target: Grad-CAM</figcaption>
      </figure>
      <figure>
        <img src="${pictures.generated}" alt="the map that the GAN drew" />
        <figcaption>GAN</figcaption>
      </figure>
      <figure class="strip">
        <img src="${pictures.conditions}" alt="${conditions} cumulative averages, shallow to deep" />
        <figcaption>the ${conditions} conditions, shallow to deep</figcaption>
      </figure>
    </div>
  </article>`;
}

function page({ result }: DemoPageOptions, gallery: readonly GalleryEntry[]): string {
  const { comparison, cnnAccuracy, classes, ganBeatsAll, gan, recipe, seed } = result;
  const verdict = ganBeatsAll
    ? html`<p class="verdict good">
        On ${comparison.samples} held-out images the GAN beats every simpler answer on MAE, SSIM and Pearson: each
        paired 95 % interval of the difference excludes 0.
      </p>`
    : html`<p class="verdict bad">
        The GAN does not beat every simpler answer on MAE, SSIM and Pearson: see the rows without a star.
      </p>`;
  const body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>cumulens demo</title>
        <style>
          ${new Markup(PAGE_STYLE)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>What the network saw</h1>
            <p>
              A CNN learned to tell ${classes.length} garments apart on photographs (${(100 * cnnAccuracy).toFixed(1)} %
              of the test images right). At each of its convolutions one forward and backward pass gave a Grad-CAM map;
              their cumulative averages over depth, ${recipe.conditions} of them, condition an LSFT-GAN of width
              ${gan.width} and ${gan.blocks} blocks (${gan.parameters.toLocaleString('en')} parameters; discriminator of
              width ${gan.discriminatorWidth}; ${gan.steps} steps of ${gan.batchSize} images) that draws the explanation
              at ${gan.size}×${gan.size}. The last convolution, whose map is the target, is
              <strong>excluded</strong> from the averages. Garments and photographs of the images below were never
              trained on. Seed ${seed}.
            </p>
          </header>
          ${verdict}
          <section>
            <h2>How near the target</h2>
            ${scoreTable(`Means over ${comparison.samples} held-out images, ± half of the 95 % interval.`, COMPARED_SCORES.target, comparison.target)}
            <p class="note">
              * the GAN is better, the paired 95 % bootstrap interval of the difference excluding 0. A condition is
              scored as it is and min–max normalised; the linear combination is the least-squares fit of all conditions,
              with an intercept, on the training images.
            </p>
          </section>
          <section>
            <h2>Where the evidence is</h2>
            ${scoreTable('How much of each map lies on the garment.', COMPARED_SCORES.mask, comparison.mask)}
            <p class="note">
              The baselines luminance and random know nothing of the CNN. The cumulative average is the deepest
              condition.
            </p>
          </section>
          <section>
            <h2>Held-out images</h2>
            <p class="legend"><span>0</span><i></i><span>1</span> viridis; white line: where the garment is</p>
            ${gallery.map((entry) => galleryRow(entry, recipe.conditions))}
          </section>
        </main>
      </body>
    </html> `;
  return body.text;
}

/** Writes `index.html` and `pictures/` into the demo's folder. @throws CumulensError ERR_IO */
export async function writeDemoPage(options: DemoPageOptions): Promise<void> {
  const gallery = await writeGallery(options);
  await writeFileAtomic(join(options.out, 'index.html'), page(options, gallery));
}
