// A lock between processes: a folder that exists while it is held, its modification time kept fresh by the holder. A holder
// that died leaves a stale one, which the next comer takes over; no process ids, so it holds across containers too.
import { mkdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HEARTBEAT_MS = 2_000;
const STALE_MS = 20_000;

/**
 * Runs `work` while holding the lock `path`. `onWait` is called once if another process holds it.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{onWait?: () => void, signal?: AbortSignal, staleMs?: number}} [options]
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait, signal, staleMs = STALE_MS } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  for (let waited = false; !tryLock(path); waited = true) {
    if (removeIfStale(path, staleMs)) continue;
    if (!waited) onWait?.();
    await sleep(250, undefined, { signal });
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS);
  const release = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.off('exit', release);
    release();
  }
}

function tryLock(path) {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Somebody took it for stale (this process was stopped for long): what the lock guards ends in one rename, so no harm.
  }
}

function isStale(path, staleMs) {
  return Date.now() - statSync(path).mtimeMs > staleMs;
}

// Renaming decides between two processes that both find it stale; the second look undoes a rename of a lock just taken anew.
function removeIfStale(path, staleMs) {
  const aside = `${path}.stale-${process.pid}-${Date.now()}`;
  try {
    if (!isStale(path, staleMs)) return false;
    renameSync(path, aside);
    if (isStale(aside, staleMs)) rmSync(aside, { recursive: true, force: true });
    else renameSync(aside, path);
    return true;
  } catch (error) {
    if (error.code === 'ENOENT') return true;
    throw error;
  }
}
