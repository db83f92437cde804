// Names the addon's C++ sources, one a line: binding.gyp has no globs (CMakeLists.txt has).
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const sourcesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesIn(path);
    return path.endsWith('.cpp') ? [relative(root, path)] : [];
  });

console.log(sourcesIn(join(root, 'native')).sort().join('\n'));
