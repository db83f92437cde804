/** What a file says of pictures and classes beside its graph. */
import type { PreprocessingInput } from '../../preprocessing.js';
import type { Entry } from './schema.js';

/** ONNX's own keys for pictures (its MetadataProps.md), as Windows and Azure tools write them. */
const RANGES = new Map<string, [number, number]>([
  ['NominalRange_0_255', [0, 255]],
  ['Normalized_0_1', [0, 1]],
  ['Normalized_1_1', [-1, 1]],
  ['NominalRange_16_235', [16, 235]],
]);

/** Nothing where the file does not say what the pixels' numbers are. */
export function pictureFormat(properties: readonly Entry[]): PreprocessingInput | undefined {
  const say = new Map(properties.map(({ key, value }) => [key, value]));
  const range = RANGES.get(say.get('Image.NominalPixelRange') ?? '');
  if (!range) return undefined;
  return { range, channelOrder: say.get('Image.BitmapPixelFormat')?.startsWith('Bgr') ? 'bgr' : 'rgb' };
}

/** `{0: 'tench', 1: "jack-o'-lantern"}` or a list, as Python prints them, or JSON. */
function parseNames(text: string): string[] | undefined {
  const body = /^\s*([[{])([^]*)[\]}]\s*$/.exec(text);
  if (!body) return undefined;
  const entry = body[1] === '{' ? /\s*['"]?(\d+)['"]?\s*:\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(?:,|$)/y : /\s*()('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(?:,|$)/y; // prettier-ignore
  const names: string[] = [];
  const source = body[2]?.trimEnd() ?? '';
  while (entry.lastIndex < source.length) {
    const found = entry.exec(source);
    if (!found || (found[1] && Number(found[1]) !== names.length)) return undefined;
    names.push((found[2] ?? '').slice(1, -1).replace(/\\(u[0-9a-fA-F]{4}|.)/g, unescaped));
  }
  return names.length > 0 ? names : undefined;
}

function unescaped(_: string, code: string): string {
  if (/^u./.test(code)) return String.fromCharCode(parseInt(code.slice(1), 16));
  return { n: '\n', t: '\t', r: '\r' }[code] ?? code;
}

/** Classes by index: `names` of Ultralytics, and what else people call them. */
export function classList(properties: readonly Entry[]): string[] | undefined {
  for (const key of ['names', 'classes', 'class_names', 'labels']) {
    const text = properties.find((entry) => entry.key === key)?.value;
    const names = text === undefined ? undefined : parseNames(text);
    if (names) return names;
  }
  return undefined;
}
