/** The look of the pages: one style sheet, light and dark, readable at phone width, no fonts to fetch. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --paper: #fff; --line: #d9dee4; --tint: #f3f5f8; --good: #14713d; --bad: #b3261e; --mark: #3b528b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a2acb7; --paper: #15181c; --line: #333a42; --tint: #1e2328; --good: #6fce97; --bad: #ff8a80; --mark: #9db4ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
small, figcaption, .note, .legend, caption { color: var(--soft); font-size: .85rem; font-weight: 400; }
.verdict { border-left: 4px solid; padding: .6rem 1rem; background: var(--tint); }
.good { border-color: var(--good); } .bad { border-color: var(--bad); }
.right { color: var(--good); } .wrong { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { padding: .3rem .75rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; font-weight: 400; }
th:first-child { text-align: left; }
thead th { font-weight: 600; }
tr.generator { background: var(--tint); } tr.generator th, tr.generator td { font-weight: 700; }
tr.cnn th { color: var(--mark); }
.beaten { color: var(--good); display: inline-block; width: 0; }
article { padding: 1rem 0; border-top: 1px solid var(--line); break-inside: avoid; }
.row { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: flex-end; }
figure { margin: 0; } img { display: block; border-radius: 3px; max-width: 100%; }
figure:not(.strip) img { width: 11rem; } .strip { flex: 1 1 20rem; } .strip img { width: 100%; image-rendering: auto; }
.legend i { display: inline-block; width: 8rem; height: .7rem; margin: 0 .4rem; vertical-align: middle; border-radius: 2px;
  background: linear-gradient(90deg, #440154, #414487, #2a788e, #22a884, #7ad151, #fde725); }
@media (max-width: 34rem) { figure:not(.strip) { flex: 1 1 30%; } figure:not(.strip) img { width: 100%; } }
`;
