import { expect } from 'chai';
import sharp from 'sharp';

import { decodeImage } from '../dist/data/decode.js';
import { failure, picture, raw, someBytes } from './support/data.js';

const decode = async (bytes, width, height = width, fit = 'stretch', more = {}) => [
  ...(await decodeImage(bytes, { width, height, fit, scale: 1, interpolation: 'bilinear', ...more }, 'photo')),
];
const repeat = (pixel, count) => Array.from({ length: count }, () => pixel).flat();

function expectClose(actual, expected, tolerance) {
  expect(actual).to.have.length(expected.length);
  actual.forEach((value, i) => expect(value, `byte ${i}`).to.be.closeTo(expected[i], tolerance));
}

describe('decoding', () => {
  const pixels = someBytes(4 * 4 * 3);

  it('gives the very pixels of lossless files', async () => {
    expect(await decode(await raw(pixels, 4, 4).png().toBuffer(), 4)).to.deep.equal([...pixels]);
    expect(await decode(await raw(pixels, 4, 4).tiff({ compression: 'lzw' }).toBuffer(), 4)).to.deep.equal([...pixels]);
    expect(await decode(await raw(pixels, 4, 4).webp({ lossless: true }).toBuffer(), 4)).to.deep.equal([...pixels]);
  });

  it('reads every format', async () => {
    for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif']) {
      const bytes = await picture(16, 16).toFormat(format).toBuffer();
      expectClose(await decode(bytes, 2), repeat([200, 100, 50], 4), 4);
    }
  });

  it('turns a picture upright as its EXIF orientation says', async () => {
    // Left red, right blue; orientation 6 is shown turned clockwise: top red, bottom blue.
    const halves = Uint8Array.from([255, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255]);
    const turned = await raw(halves, 2, 2).withMetadata({ orientation: 6 }).png().toBuffer();
    expect(await decode(turned, 2)).to.deep.equal([255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255]);
  });

  it('brings 16 bits to 8 by their high byte', async () => {
    const deep = await sharp(Uint16Array.from([0, 0x8000, 0xffff]), { raw: { width: 1, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(deep).metadata()).depth).to.equal('ushort');
    expectClose(await decode(deep, 1), [0, 128, 255], 1);
  });

  it('makes gray three equal channels, 8 and 16 bits', async () => {
    const gray = await raw(Uint8Array.from([0, 70, 140, 255]), 2, 2, 1)
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect((await sharp(gray).metadata()).channels).to.equal(1);
    expect(await decode(gray, 2)).to.deep.equal([0, 70, 140, 255].flatMap((v) => [v, v, v]));
    const deep = await sharp(Uint16Array.from([0x4000]), { raw: { width: 1, height: 1, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expectClose(await decode(deep, 1), [64, 64, 64], 1);
  });

  it('lays transparency on white', async () => {
    const half = await picture(2, 2, { r: 200, g: 0, b: 0, alpha: 0 }).png().toBuffer();
    expect(await decode(half, 2)).to.deep.equal(repeat([255, 255, 255], 4));
    const opaque = await picture(2, 2, { r: 200, g: 0, b: 0, alpha: 1 }).png().toBuffer();
    expect(await decode(opaque, 2)).to.deep.equal(repeat([200, 0, 0], 4));
  });

  it('converts CMYK', async () => {
    const cmyk = await picture(16, 16, { r: 255, g: 255, b: 255 })
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(cmyk).metadata()).space).to.equal('cmyk');
    expectClose(await decode(cmyk, 1), [255, 255, 255], 6);
  });

  it('takes the first picture of an animation', async () => {
    const frames = await Promise.all(
      [
        [255, 0, 0],
        [0, 0, 255],
      ].map(([r, g, b]) => picture(4, 4, { r, g, b }).png().toBuffer()),
    );
    const animation = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    expect((await sharp(animation).metadata()).pages).to.equal(2);
    expect(await decode(animation, 1)).to.deep.equal([255, 0, 0]);
  });

  it('crops the centre or stretches the whole', async () => {
    // Red | green green | blue, one row high.
    const wide = await raw(
      Uint8Array.from(
        [255, 0, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255].concat([255, 0, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255]),
      ),
      4,
      2,
    )
      .png()
      .toBuffer();
    expect(await decode(wide, 2, 2, 'crop')).to.deep.equal(repeat([0, 255, 0], 4));
    const [red, green, blue] = await decode(wide, 1, 1, 'stretch');
    expect(green).to.be.above(red).and.above(blue);
    expect(red).to.be.above(30);
  });

  it('shrinks by a triangle filter that sees every pixel', async () => {
    const ramp = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => 4 * (Math.floor(i / 3) % 64));
    const small = await decode(await raw(ramp, 64, 64).png().toBuffer(), 4);
    // A linear ramp keeps its value at the centres of the inner pixels: column 1 spans 16 … 31.
    expect(small[3]).to.be.closeTo(4 * 23.5, 2);
    expect(small[6]).to.be.closeTo(4 * 39.5, 2);
  });

  it('crops what a scale leaves outside', async () => {
    // 8×8 with a frame of 1 pixel: at scale 8/6 the 6×6 within is kept, pixel by pixel.
    const inside = (i) => i % 8 > 0 && i % 8 < 7 && i > 7 && i < 56;
    const framed = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (inside(Math.floor(i / 3)) ? (i % 200) + 1 : 0));
    const bytes = await raw(framed, 8, 8).png().toBuffer();
    const kept = await decode(bytes, 6, 6, 'crop', { scale: 8 / 6 });
    expect(kept).to.deep.equal([...framed].filter((_, i) => inside(Math.floor(i / 3))));
  });

  it('resizes with the filters that Pillow has', async () => {
    // Image.resize((4, 4)) of the picture 37x + 91y mod 256, row 1, its inner pixels: at the edge libvips repeats pixels and Pillow cuts the filter.
    const filters = { bilinear: [105, 127], bicubic: [98, 129], lanczos: [103, 126] };
    const gray = Uint8Array.from({ length: 64 }, (_, i) => (37 * (i % 8) + 91 * Math.floor(i / 8)) % 256);
    const bytes = await raw(gray, 8, 8, 1).toColourspace('b-w').png().toBuffer();
    for (const [interpolation, row] of Object.entries(filters)) {
      const pixels = await decode(bytes, 4, 4, 'stretch', { interpolation });
      expectClose(pixels.filter((_, i) => i % 3 === 0).slice(5, 7), row, 2);
    }
    const nearest = await decode(bytes, 16, 16, 'stretch', { interpolation: 'nearest' });
    expect(nearest.filter((_, i) => i % 3 === 0).slice(0, 4)).to.deep.equal([0, 0, 37, 37]);
  });

  it('refuses what is no picture, and one that is cut off, by name', async () => {
    const error = await failure(decode(Buffer.from('hello'), 2));
    expect(error.code).to.equal('ERR_FORMAT');
    expect(error.message).to.match(/^photo: not a readable image: /);
    const whole = await raw(someBytes(64 * 64 * 3), 64, 64)
      .jpeg()
      .toBuffer();
    expect((await failure(decode(whole.subarray(0, whole.length / 2), 64))).code).to.equal('ERR_FORMAT');
  });
});
