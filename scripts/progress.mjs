// Progress on a terminal (one line, redrawn) or in a log (a plain line now and then). No dependencies: setup uses it before
// anything is installed, and the CLI uses it after.

const REDRAW_MS = 100;
const LOG_EVERY_MS = 10_000;
const RATE_WINDOW_MS = 8_000;

/** `12.3 MB`: bytes in the unit a person reads. */
export function formatBytes(bytes) {
  if (bytes < 1e3) return `${Math.round(bytes)} B`;
  const [size, unit] = bytes < 1e6 ? [1e3, 'kB'] : bytes < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  return `${(bytes / size).toFixed(bytes / size < 10 ? 1 : 0)} ${unit}`;
}

/** `0:07`, `12:30` or `1:02:03`. */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, '0');
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function formatRate(rate, unit) {
  if (unit === 'B') return `${formatBytes(rate)}/s`;
  if (rate >= 1) return `${[rate.toFixed(rate < 100 ? 1 : 0), unit].filter(Boolean).join(' ')}/s`;
  return unit ? `${formatDuration(1 / rate)}/${unit.replace(/s$/, '')}` : `${formatDuration(1 / rate)} each`;
}

/**
 * Shows how far a job is, how fast it goes and when it will be done.
 *
 * ```js
 * const progress = new Progress({ label: 'train', total: 400, unit: 'steps' });
 * progress.update(10, 'loss 0.31');
 * progress.finish();
 * ```
 */
export class Progress {
  #label;
  #unit;
  #stream;
  #now;
  #total;
  #done;
  #started;
  #samples;
  #note = '';
  #drawnAt = -Infinity;
  #drawn = false;
  #ended = false;

  /**
   * @param {{label: string, total?: number, unit?: string, start?: number, stream?: NodeJS.WriteStream, now?: () => number}} options
   *   `unit` 'B' shows bytes; `start` is what an earlier run had already done, so that the rate counts this run alone.
   */
  constructor({ label, total = 0, unit = 'steps', start = 0, stream = process.stderr, now = Date.now }) {
    this.#label = label;
    this.#unit = unit;
    this.#stream = stream;
    this.#now = now;
    this.#total = total;
    this.#done = start;
    this.#started = now();
    this.#samples = [[this.#started, start]];
    if (!stream.isTTY) this.#drawnAt = this.#started;
  }

  /** Says that `done` units are done; `note` is shown behind, as long as there is room; `total` corrects the total. */
  update(done, note = this.#note, total = this.#total) {
    if (this.#ended) return;
    const now = this.#now();
    this.#done = done;
    this.#note = note;
    this.#total = total;
    if (now - this.#samples.at(-1)[0] >= REDRAW_MS) this.#samples.push([now, done]);
    while (this.#samples.length > 2 && now - this.#samples[1][0] > RATE_WINDOW_MS) this.#samples.shift();
    if (now - this.#drawnAt < (this.#stream.isTTY ? REDRAW_MS : LOG_EVERY_MS)) return;
    this.#draw(now);
  }

  /** Writes a line of its own above the bar. */
  log(line) {
    this.#clear();
    this.#stream.write(`${line}\n`);
    if (this.#stream.isTTY) this.#drawnAt = -Infinity;
  }

  /** Ends the display with one line that stays: what was done and how long it took. */
  finish(note = this.#note) {
    if (this.#ended) return;
    this.#ended = true;
    this.#clear();
    const took = formatDuration((this.#now() - this.#started) / 1000);
    this.#stream.write(
      `${[`${this.#label}: ${this.#amount(this.#done)} in ${took}`, note].filter(Boolean).join(', ')}\n`,
    );
  }

  /** Ends the display without a word: the error or the abort says the rest. */
  stop() {
    this.#ended = true;
    this.#clear();
  }

  #amount(n) {
    return this.#unit === 'B' ? formatBytes(n) : `${Math.round(n)} ${this.#unit}`;
  }

  #clear() {
    if (this.#drawn && this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
    this.#drawn = false;
  }

  #draw(now) {
    this.#drawnAt = now;
    const [firstAt, firstDone] = this.#samples[0];
    // A rate taken over less than a second is noise.
    const rate = now - firstAt >= 1000 ? ((this.#done - firstDone) * 1000) / (now - firstAt) : 0;
    const parts = [];
    if (this.#total > 0) {
      const done = this.#unit === 'B' ? formatBytes(this.#done) : String(Math.round(this.#done));
      parts.push(
        `${String(Math.floor((100 * this.#done) / this.#total)).padStart(3)}%`,
        `${done}/${this.#amount(this.#total)}`,
      );
    } else {
      parts.push(this.#amount(this.#done));
    }
    if (rate > 0) {
      parts.push(formatRate(rate, this.#unit));
      if (this.#total > this.#done) parts.push(`ETA ${formatDuration((this.#total - this.#done) / rate)}`);
    }
    if (this.#note) parts.push(this.#note);
    if (!this.#stream.isTTY) {
      this.#stream.write(`${this.#label}: ${parts.join('  ').trim()}\n`);
      return;
    }
    const columns = (this.#stream.columns || 80) - 1;
    const text = parts.join('  ');
    const width = Math.min(24, columns - this.#label.length - text.length - 4);
    const bar = this.#total > 0 && width >= 6 ? ` ${barOf(this.#done / this.#total, width)}` : '';
    this.#stream.write(`\r\x1b[2K${`${this.#label}${bar} ${text}`.slice(0, columns)}`);
    this.#drawn = true;
  }
}

function barOf(fraction, width) {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `[${'='.repeat(full)}${' '.repeat(width - full)}]`;
}
