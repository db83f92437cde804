/** A folder of images, one sub-folder a class. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

import { CumulensError } from '../errors.js';
import { IMAGE_EXTENSIONS } from './decode.js';
import type { Problems } from './problems.js';

export interface ImageFile {
  path: string;
  /** The path within the folder. */
  id: string;
  /** Index of the class; −1 where the folder has no classes. */
  label: number;
}

export interface ImageFolder {
  /** The sub-folders' names, sorted; empty where the images lie in the folder itself. */
  classes: string[];
  /** Sorted by id. */
  files: ImageFile[];
}

const byCodePoint = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const isImage = (name: string): boolean => IMAGE_EXTENSIONS.includes(extname(name).toLowerCase() as '.png');

/** Names in a folder, sorted so that the order depends on nothing else; hidden ones left out. Links are what they lead to. */
async function list(path: string): Promise<{ folders: string[]; files: string[] }> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot read the folder: ${(cause as Error).message}`, { cause });
  });
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const isFolder = async (entry: Dirent): Promise<boolean> => {
    if (!entry.isSymbolicLink()) return entry.isDirectory();
    // A link to nothing counts as a file: who reads it reports it.
    const target = await stat(join(path, entry.name)).catch(() => undefined);
    return target?.isDirectory() ?? false;
  };
  const kinds = await Promise.all(visible.map(isFolder));
  const names = (folders: boolean): string[] =>
    visible
      .filter((_, i) => kinds[i] === folders)
      .map(({ name }) => name)
      .sort(byCodePoint);
  return { folders: names(true), files: names(false) };
}

function imagesAmong(names: readonly string[], folder: string, problems: Problems): string[] {
  const others = names.filter((name) => !isImage(name));
  if (others.length > 0) {
    const what =
      others.length === 1
        ? `${others[0] ?? ''} is no image`
        : `${others.length} files are no images (${others[0] ?? ''} …)`;
    problems.add({
      kind: 'ignored',
      path: folder,
      message: `${folder}: ${what} and ignored; images end in ${IMAGE_EXTENSIONS.join(', ')}`,
    });
  }
  return names.filter(isImage);
}

/**
 * Lists `class/image.ext`, or the images of a folder that has no sub-folders when classes are not needed.
 * @param problems hears of classes without images or with one, and of files that are no images
 * @throws CumulensError ERR_IO, or ERR_FORMAT when there is nothing to use
 */
export async function listImageFolder(path: string, needsClasses: boolean, problems: Problems): Promise<ImageFolder> {
  const { folders, files } = await list(path);
  if (folders.length === 0 && !needsClasses) {
    const images = imagesAmong(files, path, problems);
    if (images.length === 0)
      throw new CumulensError('ERR_FORMAT', `${path}: no images (${IMAGE_EXTENSIONS.join(', ')}) and no class folders`);
    return { classes: [], files: images.map((name) => ({ path: join(path, name), id: name, label: -1 })) };
  }
  const classes: string[] = [];
  const found: ImageFile[] = [];
  for (const name of folders) {
    const folder = join(path, name);
    const images = imagesAmong((await list(folder)).files, folder, problems);
    if (images.length === 0) {
      problems.add({
        kind: 'emptyClass',
        path: folder,
        message: `${folder}: class '${name}' has no images and is left out`,
      });
      continue;
    }
    if (images.length === 1)
      problems.add({
        kind: 'singleImage',
        path: folder,
        message: `${folder}: class '${name}' has one image, so only one split has it`,
      });
    for (const image of images)
      found.push({ path: join(folder, image), id: `${name}/${image}`, label: classes.length });
    classes.push(name);
  }
  if (classes.length === 0) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: no images: expected class folders that hold them, as in ${join(path, 'cat', 'photo.jpg')}`,
    );
  }
  if (files.length > 0) imagesOutside(path, files, problems);
  return { classes, files: found };
}

function imagesOutside(path: string, files: readonly string[], problems: Problems): void {
  const [first] = files.filter(isImage);
  if (first)
    problems.add({
      kind: 'ignored',
      path,
      message: `${join(path, first)}: lies outside the class folders and is ignored`,
    });
}

/** Finds pictures that two classes share. */
export class DuplicateFinder {
  readonly #seen = new Map<string, ImageFile>();

  constructor(readonly problems: Problems) {}

  add(file: ImageFile, hash: string): void {
    const other = this.#seen.get(hash);
    if (!other) this.#seen.set(hash, file);
    else if (other.label !== file.label) {
      this.problems.add({
        kind: 'duplicate',
        path: file.path,
        message: `${file.path}: the same picture as ${other.path}, of another class`,
      });
    }
  }
}
