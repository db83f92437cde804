// The addon's C++ sources, a translation unit a folder: what libtorch's headers leave to be instantiated takes five seconds in every unit,
// more than most of our files. CMake makes such units itself (CMakeLists.txt); this is for binding.gyp, which cannot, and for clang-tidy.
//   node scripts/units.mjs FOLDER      writes them there and names them, one a line
import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = fileURLToPath(new URL('../native', import.meta.url));

/** Paths of all sources, below native/. */
export function sources() {
  return readdirSync(native, { recursive: true })
    .filter((path) => path.endsWith('.cpp'))
    .sort();
}

function writeIfChanged(path, text) {
  try {
    if (readFileSync(path, 'utf8') === text) return;
  } catch {
    // It is not there yet.
  }
  writeFileSync(path, text);
}

/** Writes a unit for each folder of sources into `folder`. @returns their paths */
export function writeUnits(folder) {
  mkdirSync(folder, { recursive: true });
  const all = sources();
  return [...new Set(all.map(dirname))].map((of) => {
    const unit = join(folder, `${of.replaceAll('/', '_')}.cpp`);
    const lines = all.filter((path) => dirname(path) === of).map((path) => `#include "${path}"\n`);
    writeIfChanged(unit, lines.join(''));
    return unit;
  });
}

// node-gyp runs it by way of a link.
if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  console.log(
    writeUnits(folder)
      .map((unit) => relative('.', unit))
      .join('\n'),
  );
}
