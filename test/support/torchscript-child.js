// Loads archives whose contents were changed, byte by byte, with every CRC-32 right: argv: seed, count, then a name in MUTATED.
// Prints how many loaded and how many were refused; ends by whatever signal a crash of the addon brings.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Cnn, CumulensError, Tensor } from '../../dist/index.js';
import { uniform } from './arrays.js';
import { ints, smallNet, tagged, tuple } from './torchscript.js';
import { zip } from './zip.js';

const code = `l = torch.append(torch.list(self.l), 1)
a, b = self.t
x = torch.relu_(x)
for i in range(torch.len(l)):
  if torch.gt(i, a):
    x = torch.conv2d(x, torch.ones([4, 4, 3, 3]), None, [1, 1], [1, 1], [1, 1], 1)
  else:
    x = torch.add(x, (CONSTANTS.c0)[0])
s = torch.format("{} of {}", torch.dim(x), l)
if torch.ne(torch.dim(x), 4):
  ops.prim.RaiseException(s, "builtins.ValueError")
else:
  pass`;
const net = {
  declarations: '  l : List[int]\n  t : Tuple[int, int]\n',
  attributes: { l: ints([1, 2]), t: tuple(1, 2) },
  constants: [tagged([1, 2], 'List[int]')],
};
/** Which files of the archive are changed. */
const MUTATED = { pickles: /\.pkl$/, code: /\.py$/ };

const files = [];
smallNet(code, { ...net, write: (entries) => (files.push(...entries), zip(entries)) });
const [seed, count, which] = process.argv.slice(2);
const draws = uniform(Number(seed), 200_000, 0, 1);
const draw = (limit) => Math.floor((draws.pop() ?? 0) * limit);

function mutate(data) {
  const bytes = Buffer.from(data);
  for (let edits = 1 + draw(3); edits > 0; edits--) {
    const at = draw(bytes.length);
    const kind = draw(4);
    if (kind === 0) bytes[at] = draw(256);
    if (kind === 1) bytes[at] ^= 1 << draw(8);
    if (kind === 2) bytes.copy(bytes, at, draw(bytes.length), bytes.length);
    if (kind === 3) bytes.copyWithin(at, draw(bytes.length), draw(bytes.length));
  }
  return draw(8) === 0 ? bytes.subarray(0, draw(bytes.length)) : bytes;
}

const folder = mkdtempSync(join(tmpdir(), 'cumulens-mutated-'));
const path = join(folder, 'model.pt');
const seen = { loaded: 0, refused: 0 };
const images = Tensor.from(new Float32Array(2 * 3 * 64).fill(0.5), [2, 3, 8, 8]);
for (let run = 0; run < Number(count); run++) {
  const chosen = files.filter(({ name }) => MUTATED[which].test(name));
  const victim = chosen[draw(chosen.length)];
  writeFileSync(path, zip(files.map((file) => (file === victim ? { ...file, data: mutate(file.data) } : file))));
  try {
    const cnn = await Cnn.load(path, { device: 'cpu', input: 8, signal: AbortSignal.timeout(20_000) });
    seen.loaded++;
    await cnn.explain(images, { conditions: 0 }).catch((error) => {
      if (!(error instanceof CumulensError)) throw error;
    });
    cnn.dispose();
  } catch (error) {
    if (!(error instanceof CumulensError) || error.code === 'ERR_INTERNAL') throw error;
    seen.refused++;
  }
}
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ ...seen, megabytes: process.resourceUsage().maxRSS / 1024 }));
