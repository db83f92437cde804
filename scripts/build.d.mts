export const ROOT: string;

export interface BuildOptions {
  env?: NodeJS.ProcessEnv;
  /** The libtorch to take from the cache: cpu or cu130. */
  variant?: string;
  /** The build folder, `build` by default. */
  out?: string;
  /** Build even if nothing changed. */
  force?: boolean;
  log?: (line: string) => void;
  signal?: AbortSignal;
}

export class SetupError extends Error {
  code: 'ERR_BUILD';
}

/** Node packages, libtorch, addon and TypeScript: for a clone of the repository. */
export function setUp(options?: BuildOptions): Promise<void>;
/** libtorch and the addon: what an installed package still needs. */
export function buildAddon(options?: BuildOptions): Promise<void>;
