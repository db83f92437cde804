/** What went wrong, for programs. */
export type ErrorCode =
  | 'ERR_ABORTED'
  | 'ERR_ADDON_NOT_BUILT'
  | 'ERR_CUDA_UNAVAILABLE'
  | 'ERR_DISPOSED'
  | 'ERR_FORMAT'
  | 'ERR_INTERNAL'
  | 'ERR_IO'
  | 'ERR_LIBTORCH_MISMATCH'
  | 'ERR_LIBTORCH_NOT_FOUND'
  | 'ERR_OPTION'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_SHAPE';

/** The one error class of cumulens: a code for programs, and one line for people: what, where, and what was expected. */
export class CumulensError extends Error {
  override readonly name = 'CumulensError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
