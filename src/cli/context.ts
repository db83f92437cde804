import { Progress, type ProgressOptions, type ProgressStream } from '../../scripts/progress.mjs';
import { CumulensError } from '../errors.js';

/** What a process gives the CLI; tests give a stand-in. */
export interface Streams {
  stdout: { write(text: string): unknown };
  stderr: ProgressStream;
}

/** What a command's work may use. stdout is for results alone: everything about the work goes to stderr. */
export interface CommandContext {
  /** Aborted by Ctrl-C; work that has state saves it and ends with ERR_ABORTED. */
  readonly signal: AbortSignal;
  /** Whether `--json` was given: the action's return value is then written as the one JSON document. */
  readonly json: boolean;
  /** Writes text for a person to stdout; nothing with `--json`. */
  print(text: string): void;
  /** Writes a line about the work to stderr, above a progress bar if one is shown. */
  log(line: string): void;
  /** Shows a progress bar (plain lines where stderr is no terminal) until its `finish()` or the command's end. */
  progress(options: Omit<ProgressOptions, 'stream'>): Progress;
  /** Makes the command end with exit code 1 although it has a result to show. */
  fail(): void;
}

/** The context of one command, with the end of what it left on the screen. */
export function createContext(streams: Streams, json: boolean, signal: AbortSignal): CommandContext & { failed: boolean; close(): void } {
  let shown: Progress | undefined;
  return {
    signal,
    json,
    print(text) {
      if (!json) streams.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    log(line) {
      if (shown) shown.log(line);
      else streams.stderr.write(`${line}\n`);
    },
    progress(options) {
      shown?.stop();
      shown = new Progress({ ...options, stream: streams.stderr });
      return shown;
    },
    failed: false,
    fail() {
      this.failed = true;
    },
    close() {
      shown?.stop();
    },
  };
}

/** Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted. */
export function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return 130;
  return error instanceof CumulensError && error.code === 'ERR_OPTION' ? 2 : 1;
}

/** The line for a person: an expected failure says what to do and needs no stack; anything else is a fault of ours and shows it. */
export function describeError(error: unknown): { code: string; message: string; stack?: string } {
  if (!(error instanceof Error)) return { code: 'ERR_INTERNAL', message: String(error) };
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && code !== 'ERR_INTERNAL') return { code, message: error.message };
  return { code: 'ERR_INTERNAL', message: error.message, ...(error.stack ? { stack: error.stack } : {}) };
}
