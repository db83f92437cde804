/** Parts of a page of which one is shown at a time; all of them where scripts do not run. */
import { html, type Markup } from './html.js';

export interface Tab {
  title: string;
  content: Markup;
}

/** @param name begins the elements' ids */
export function tabs(label: string, name: string, parts: readonly Tab[]): Markup {
  const list = parts.map(
    ({ title }, i) =>
      html`<button
        type="button"
        role="tab"
        id="${name}-tab-${i}"
        aria-controls="${name}-panel-${i}"
        aria-selected="${String(i === 0)}"
      >
        ${title}
      </button>`,
  );
  const panels = parts.map(
    ({ content }, i) =>
      html`<div role="tabpanel" id="${name}-panel-${i}" aria-labelledby="${name}-tab-${i}">${content}</div>`,
  );
  return html`<div role="tablist" aria-label="${label}">${list}</div>
    ${panels}`;
}
