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
  readonly print: (text: string) => void;
  /** Writes a line about the work to stderr, above a progress bar if one is shown. */
  readonly log: (line: string) => void;
  /** Shows a progress bar (plain lines where stderr is no terminal) until its `finish()` or the command's end. */
  readonly progress: (options: Omit<ProgressOptions, 'stream'>) => Progress;
  /** Makes the command end with exit code 1 although it has a result to show. */
  readonly fail: () => void;
}

/** The context of one command, with what the program asks of it at the end. */
export class Context implements CommandContext {
  readonly #streams: Streams;
  #shown: Progress | undefined;
  failed = false;

  constructor(
    streams: Streams,
    readonly json: boolean,
    readonly signal: AbortSignal,
  ) {
    this.#streams = streams;
  }

  readonly print = (text: string): void => {
    if (!this.json) this.#streams.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  };

  readonly log = (line: string): void => {
    if (this.#shown) this.#shown.log(line);
    else this.#streams.stderr.write(`${line}\n`);
  };

  readonly progress = (options: Omit<ProgressOptions, 'stream'>): Progress => {
    this.close();
    this.#shown = new Progress({ ...options, stream: this.#streams.stderr });
    return this.#shown;
  };

  readonly fail = (): void => {
    this.failed = true;
  };

  /** Takes an unfinished progress bar off the screen. */
  close(): void {
    this.#shown?.stop();
    this.#shown = undefined;
  }
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
