export function formatBytes(bytes: number): string;
export function formatDuration(seconds: number): string;

/** What a progress display writes to: `process.stderr`, or a stand-in. */
export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface ProgressOptions {
  label: string;
  total?: number;
  /** What is counted, in the plural; 'B' shows bytes. */
  unit?: string;
  /** What an earlier run had already done. */
  start?: number;
  stream?: ProgressStream;
  now?: () => number;
}

export class Progress {
  constructor(options: ProgressOptions);
  update(done: number, note?: string, total?: number): void;
  log(line: string): void;
  finish(note?: string): void;
  stop(): void;
}
