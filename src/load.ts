/** Loads the addon, or says in words why it cannot be loaded and what to do. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { refusal, type AddonBuild } from '../scripts/libtorch.mjs';
import { CumulensError } from './errors.js';

/** Where the addon is: `CUMULENS_ADDON`, else what `cumulens build` made. */
export function addonPath(): string {
  return process.env.CUMULENS_ADDON ?? fileURLToPath(new URL('../build/Release/cumulens.node', import.meta.url));
}

/**
 * What the addon at `path` was built with.
 * @throws CumulensError ERR_ADDON_NOT_BUILT
 */
export function readAddonBuild(path: string): AddonBuild {
  const info = join(dirname(path), 'build-info.json');
  if (!existsSync(path) || !existsSync(info)) {
    throw new CumulensError(
      'ERR_ADDON_NOT_BUILT',
      `the native addon is not built (${existsSync(path) ? info : path} is missing): run 'npx cumulens build'`,
    );
  }
  return JSON.parse(readFileSync(info, 'utf8')) as AddonBuild;
}

/**
 * libtorch's own switch for huge pages in tensors of 2 MiB and more, which it reads at its first allocation. The first writing to small pages
 * takes longer than most operators: of every tap's maps, as long as all passes together. What the user has set stays.
 */
function askForHugePages(): void {
  process.env.THP_MEM_ALLOC_ENABLE ??= '1';
}

/**
 * Loads the addon after a look at what it was built for: a wrong libtorch would end the process without a word.
 * @throws CumulensError ERR_ADDON_NOT_BUILT, ERR_LIBTORCH_NOT_FOUND, ERR_LIBTORCH_MISMATCH
 */
export function loadAddon(path: string = addonPath()): unknown {
  const refused = refusal(readAddonBuild(path));
  if (refused) throw new CumulensError(refused.code, refused.message);
  askForHugePages();
  try {
    return createRequire(import.meta.url)(path) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new CumulensError(
      'ERR_ADDON_NOT_BUILT',
      `the native addon ${path} does not load (${reason}): run 'npx cumulens build --force'`,
      {
        cause: error,
      },
    );
  }
}
