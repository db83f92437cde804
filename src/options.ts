/** Checks options and files against zod schemas, whatever the entry point, and says in one line what is wrong and what was meant. */
import { z } from 'zod';

import { CumulensError, type ErrorCode } from './errors.js';

/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1] as number[];
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, ((rows[i - 2] as number[])[j - 2] as number) + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] as number;
}

/** "; did you mean 'size'?" for the nearest known word, nothing when none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? `; did you mean '${best.name}'?` : '';
}

/** Property names that the schema knows at `path`, looking through optional, default and nullable wrappers. */
function knownNames(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema;
  const unwrap = (): void => {
    while (
      current instanceof z.ZodOptional ||
      current instanceof z.ZodDefault ||
      current instanceof z.ZodNullable ||
      current instanceof z.ZodPrefault
    ) {
      current = current.unwrap();
    }
  };
  unwrap();
  for (const key of path) {
    if (current instanceof z.ZodObject) current = (current.shape as Record<PropertyKey, unknown>)[key];
    else if (current instanceof z.ZodArray) current = current.element;
    else if (current instanceof z.ZodRecord) current = current.valueType;
    else return [];
    unwrap();
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

type Bare<Field> =
  Field extends z.ZodDefault<infer Inner> ? Inner : Field extends z.ZodPrefault<infer Inner> ? Inner : Field;

/** Fields that may be left out and then stay so, for settings laid over others: zod's own `partial` fills their defaults in. */
export function optionalFields<Shape extends Record<string, z.ZodType>>(
  shape: Shape,
): { [Name in keyof Shape]: Bare<Shape[Name]> extends z.ZodType ? z.ZodOptional<Bare<Shape[Name]>> : never } {
  const bare = (field: z.ZodType): z.ZodType =>
    field instanceof z.ZodDefault || field instanceof z.ZodPrefault ? (field.unwrap() as z.ZodType) : field;
  const entries = Object.entries(shape).map(([name, field]) => [name, bare(field).optional()]);
  return Object.fromEntries(entries) as ReturnType<typeof optionalFields<Shape>>;
}

function describe(schema: z.core.$ZodType, issue: z.core.$ZodIssue, what: string): string {
  const place = [what, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = knownNames(schema, issue.path);
    return `${place}: unknown name '${key}'${didYouMean(key, known) || (known.length > 0 ? `; expected one of ${known.join(', ')}` : '')}`;
  }
  if (issue.code === 'invalid_value') {
    const hint = typeof issue.input === 'string' ? didYouMean(issue.input, issue.values.map(String)) : '';
    return `${place}: expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}, got ${JSON.stringify(issue.input)}${hint}`;
  }
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return `${place}: missing, expected ${issue.expected}`;
  const message = issue.message.replace(/^Invalid input: /, '');
  return `${place}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

/**
 * The value with every default filled in. Use `z.strictObject` so that misspelt names are found.
 * @param what names the call or file in the error, e.g. "prepare" or a path
 * @throws CumulensError with `code` (ERR_OPTION unless said otherwise): the first thing that is wrong, in one line.
 */
export function parseOptions<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
  code: ErrorCode = 'ERR_OPTION',
): z.output<S> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CumulensError(code, issue ? describe(schema, issue, what) : `${what}: not valid`);
}

/** The settings that were given. */
export function withoutUndefined(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
