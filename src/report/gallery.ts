/** Cases of which a page shows one at a time, chosen by a slider, buttons or keys; all of them where scripts do not run. */
import { html, type Markup } from './html.js';

export interface GalleryCase {
  /** What the slider says of it. */
  title: string;
  /** Values of the choices that it belongs to; no blanks. */
  groups: readonly string[];
  content: Markup;
}

export interface GalleryOptions {
  /** What the slider moves over: "Image". */
  label: string;
  /** What the cases can be narrowed to. */
  choice?: { label: string; all: string; options: readonly { value: string; label: string }[] };
}

export function gallery(cases: readonly GalleryCase[], { label, choice }: GalleryOptions): Markup {
  const options =
    choice?.options.map(({ value, label: text }) => html`<option value="${value}">${text}</option>`) ?? [];
  const select = choice
    ? html`<label
        >${choice.label}
        <select data-role="choice">
          <option value="">${choice.all}</option>
          ${options}
        </select></label
      >`
    : html``;
  const articles = cases.map(
    ({ title, groups, content }) =>
      html`<article data-title="${title}" data-cases="${groups.join(' ')}">${content}</article>`,
  );
  return html`<div class="gallery">
    <div class="controls" hidden>
      <button type="button" data-role="previous">‹ Previous</button>
      <button type="button" data-role="next">Next ›</button>
      <span class="note" data-role="position"></span>
      ${select}
      <input
        type="range"
        data-role="slider"
        aria-label="${label}"
        min="0"
        max="${cases.length - 1}"
        value="0"
        step="1"
      />
    </div>
    ${articles}
  </div>`;
}
