/** Tables as lines of text. */

/** Lines of a table: the first column to the left, the others to the right, each as wide as its widest cell. */
export function textTable(rows: readonly (readonly string[])[], gap = 2): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[i] ?? 0) + gap)))
      .join('')
      .trimEnd();
  return rows.map(line).join('\n');
}
