/** How each method looks in every chart of a page. */
import type { MethodKind } from '../evaluate/contract.js';
import type { ChartColour, SeriesStyle } from './charts.js';
import { html, type Markup } from './html.js';

const DASHES = ['solid', 'dashed', 'dotted'] as const;
const GENERATORS: readonly ChartColour[] = ['c0', 'c1'];
const OTHERS: readonly ChartColour[] = ['c2', 'c3', 'c4', 'c5', 'c6', 'c7'];
const BASELINES: readonly ChartColour[] = ['soft', 'ink'];

/** Colours first, then dashes; generators stand out, baselines are gray. */
export function methodStyles(methods: readonly { name: string; kind: MethodKind }[]): Map<string, SeriesStyle> {
  const used = { generator: 0, baseline: 0, other: 0 };
  const styles = new Map<string, SeriesStyle>();
  for (const [id, { name, kind }] of methods.entries()) {
    const group = kind === 'generator' || kind === 'baseline' ? kind : 'other';
    const index = used[group]++;
    const colours = { generator: GENERATORS, baseline: BASELINES, other: OTHERS }[group];
    // Baselines differ by their dashes first, so that all of them stay gray while they can.
    const turn = group === 'baseline' ? Math.floor(index / DASHES.length) : index;
    const dash = group === 'baseline' ? index : Math.floor(index / colours.length);
    styles.set(name, {
      id,
      colour: colours[turn % colours.length] ?? 'ink',
      dash: DASHES[dash % DASHES.length] ?? 'solid',
      width: group === 'generator' ? 3.5 : 2,
    });
  }
  return styles;
}

const STROKES: Readonly<Record<SeriesStyle['dash'], string>> = { solid: 'none', dashed: '4 3', dotted: '1.5 2.5' };

/** Keys that show their series alone when they are pressed. */
export function legend(
  methods: readonly { name: string; label: string }[],
  styles: ReadonlyMap<string, SeriesStyle>,
): Markup {
  const keys = methods.map(({ name, label }) => {
    const { id, colour, dash, width } = styles.get(name) as SeriesStyle;
    return html`<li>
      <button type="button" aria-pressed="false" data-series="${id}">
        <svg viewBox="0 0 26 10" aria-hidden="true">
          <path
            d="M1 5H25"
            style="stroke:var(--${colour})"
            stroke-width="${width}"
            stroke-dasharray="${STROKES[dash]}"
          />
        </svg>
        ${label}
      </button>
    </li>`;
  });
  return html`<ul class="legend-keys" aria-label="Methods; press to show some alone">
    ${keys}
  </ul>`;
}
