/** Text into HTML, escaped. */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** Markup that needs no escaping; made by `html` alone. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A template whose values are escaped, unless they are markup themselves; lists are joined. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | number | Markup | readonly Markup[])[]): Markup {
  const render = (value: string | number | Markup | readonly Markup[]): string => {
    if (value instanceof Markup) return value.text;
    if (Array.isArray(value)) return value.map((item: Markup) => item.text).join('');
    return escapeHtml(String(value));
  };
  return new Markup(parts.reduce((text, part, i) => text + render(values[i - 1] ?? '') + part));
}
