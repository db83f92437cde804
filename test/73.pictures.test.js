import { expect } from 'chai';

import { Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { failure } from './support/data.js';

const DARK = [68, 1, 84];
const BRIGHT = [253, 231, 37];

const filled = (value, channels, size) =>
  Tensor.from(new Uint8Array(channels * size * size).fill(value), [1, channels, size, size]);
const near = (actual, expected) =>
  expected.forEach((value, i) => expect(actual[i], `channel ${i}`).to.be.closeTo(value, 1));

describe('pictures for pages', () => {
  it('outline the mask around what it covers', async () => {
    const mask = new Uint8Array(16);
    mask[5] = 255;
    const masks = Tensor.from(mask, [1, 1, 4, 4]);
    const pixels = await native.drawImages(filled(10, 3, 4), masks, { size: [16, 16] });
    expect(pixels.shape).to.deep.equal([1, 16, 16, 3]);
    const image = await pixels.data();
    const at = (y, x) => image[(16 * y + x) * 3];
    expect([...new Set(image)].sort((a, b) => a - b)).to.deep.equal([10, 255]);
    // Interpolated, the mask is above one half at 4 … 7; two pixels of outline lie to each side.
    const column = Array.from({ length: 16 }, (_, y) => at(y, 6));
    expect(column).to.deep.equal([10, 10, 255, 255, 10, 10, 10, 10, 255, 255, 10, 10, 10, 10, 10, 10]);
    const bare = await (await native.drawImages(filled(10, 3, 4), undefined, { size: [16, 16] })).data();
    expect([...new Set(bare)]).to.deep.equal([10]);
  });

  it('show gray images in gray, and floats as bytes', async () => {
    const gray = Tensor.from(
      Float32Array.from({ length: 4 }, (_, i) => i / 3),
      [1, 1, 2, 2],
    );
    const pixels = await native.drawImages(gray, undefined, { size: [2, 2] });
    expect([...(await pixels.data())]).to.deep.equal([0, 85, 170, 255].flatMap((value) => [value, value, value]));
  });

  it('resize the values of maps before they colour them', async () => {
    const halves = Tensor.from(Float32Array.from([0, 1, 0, 1]), [1, 1, 2, 2]);
    const pixels = await (await native.drawMaps(halves, { size: [1, 1] })).data();
    const middle = await (await native.drawMaps(filled(128, 1, 1), { size: [1, 1] })).data();
    expect([...pixels]).to.deep.equal([...middle]);
    near(await (await native.drawMaps(filled(255, 1, 2), { size: [5, 3] })).data(), BRIGHT);
    expect((await native.drawMaps(filled(255, 1, 2), { size: [5, 3] })).shape).to.deep.equal([1, 5, 3, 3]);
  });

  it('set the maps of a sample side by side', async () => {
    const maps = Tensor.from(Uint8Array.from([...new Array(16).fill(0), ...new Array(16).fill(255)]), [1, 2, 4, 4]);
    const pixels = await native.drawStrips(maps);
    expect(pixels.shape).to.deep.equal([1, 4, 10, 3]);
    const strip = await pixels.data();
    near(strip.slice(0, 3), DARK);
    expect([...strip.slice(12, 18)], 'the gap').to.deep.equal(new Array(6).fill(255));
    near(strip.slice(18, 21), BRIGHT);
  });

  it('are refused in words where shapes do not fit', async () => {
    const wrong = [
      [native.drawImages(filled(0, 2, 4), undefined, { size: [4, 4] }), /\[1, 2, 4, 4\], expected \[n,3,H,W\]/],
      [native.drawImages(filled(0, 3, 4), filled(0, 2, 4), { size: [4, 4] }), /masks have shape \[1, 2, 4, 4\]/],
      [native.drawMaps(filled(0, 3, 4), { size: [4, 4] }), /expected \[n,1,H,W\]/],
      [native.drawMaps(filled(0, 1, 4), { size: [5000, 4] }), /size must be 1 to 4096, got 5000×4/],
    ];
    for (const [promise, message] of wrong) expect((await failure(promise)).message).to.match(message);
    expect(() => native.drawMaps(filled(0, 1, 4), { size: [0, 4] })).to.throw(/^size: .*both positive, got \[0, 4\]$/);
    expect(() => native.drawMaps(filled(0, 1, 4), { size: [4] })).to.throw(/^size: .*both positive, got \[4\]$/);
  });

  it('come of images that are resized natively, bytes as bytes', async () => {
    const image = Tensor.from(Uint8Array.from([0, 100, 200, 100]), [1, 1, 2, 2]);
    const small = await native.resizeImages(image, { size: [1, 1] });
    expect([small.dtype, ...(await small.data())]).to.deep.equal(['uint8', 100]);
    const unit = Tensor.from(Float32Array.from([0, 0.5, 1, 0.5]), [1, 1, 2, 2]);
    const colour = await native.resizeImages(unit, { size: [1, 1], rgb: true });
    expect([colour.dtype, ...(await colour.data())]).to.deep.equal(['float32', 0.5, 0.5, 0.5]);
    expect(
      await failure(native.resizeImages(Tensor.from(new Int32Array(4), [1, 1, 2, 2]), { size: [1, 1] })),
    ).to.include({ code: 'ERR_SHAPE' });
  });
});
