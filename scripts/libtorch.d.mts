export class LibtorchError extends Error {
  code: 'ERR_LIBTORCH_NOT_FOUND' | 'ERR_OPTION' | 'ERR_IO';
}

/** A libtorch on this machine. */
export interface Libtorch {
  /** Holds lib/ and include/. */
  root: string;
  lib: string;
  include: string[];
  /** Such as 2.13.0+cpu. */
  version: string;
  /** The CUDA release it was built for, such as 13.0; null for a CPU build. */
  cuda: string | null;
  /** The folder with NVIDIA's include/ and lib/, where it lies beside torch. */
  nvidia: string | null;
  source: 'LIBTORCH' | 'LIBTORCH_USE_PYTORCH' | 'cache';
}

/** build-info.json, which lies beside every addon. */
export interface AddonBuild {
  libtorch: Pick<Libtorch, 'root' | 'version' | 'cuda' | 'nvidia'>;
  compiler: string;
  builder: 'cmake-js' | 'node-gyp';
  napi: number;
  nodeAddonApi: string;
}

export interface Variant {
  version: string;
  requirements: string[];
  index: string;
  downloadBytes: number;
  unpackedBytes: number;
}

export const VARIANTS: Record<string, Variant>;
export function cacheRoot(env?: NodeJS.ProcessEnv): string;
export function cachedRoot(variant: string, env?: NodeJS.ProcessEnv): string;
export function selectedVariant(env?: NodeJS.ProcessEnv): string;
export function selectVariant(variant: string, env?: NodeJS.ProcessEnv): void;
export function checkVariant(variant: string): string;
export function isLibtorch(root: string): boolean;
export function describeLibtorch(root: string, source: Libtorch['source'], env?: NodeJS.ProcessEnv): Libtorch;
export function resolveLibtorch(options?: { env?: NodeJS.ProcessEnv; variant?: string }): Libtorch;
export function refusal(
  buildInfo: AddonBuild,
  env?: NodeJS.ProcessEnv,
): { code: 'ERR_LIBTORCH_NOT_FOUND' | 'ERR_LIBTORCH_MISMATCH'; message: string } | undefined;
export function fetchLibtorch(options?: {
  variant?: string;
  env?: NodeJS.ProcessEnv;
  log?: (line: string) => void;
  signal?: AbortSignal;
}): Promise<Libtorch>;
