/** The look of the pages: one style sheet, light and dark, readable at phone width, no fonts to fetch. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --paper: #fff; --line: #d9dee4; --tint: #f3f5f8; --good: #14713d; --bad: #b3261e; --mark: #3b528b;
  --c0: #c2410c; --c1: #7c3aed; --c2: #0b6fb8; --c3: #0f766e; --c4: #a16207; --c5: #be185d; --c6: #4d7c0f; --c7: #78493a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a2acb7; --paper: #15181c; --line: #333a42; --tint: #1e2328; --good: #6fce97; --bad: #ff8a80; --mark: #9db4ff;
  --c0: #ff8a4c; --c1: #b79cff; --c2: #62b0ff; --c3: #3fd0bb; --c4: #e5b93c; --c5: #ff7eb6; --c6: #a5d65a; --c7: #d3a492; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
small, figcaption, .note, .legend, caption { color: var(--soft); font-size: .85rem; font-weight: 400; }
.verdict { border-left: 4px solid; padding: .6rem 1rem; background: var(--tint); }
.verdict ul { margin: .3rem 0 0; padding-left: 1.2rem; } .good { border-color: var(--good); } .bad { border-color: var(--bad); }
.right { color: var(--good); } .wrong { color: var(--bad); }
.scroll { overflow-x: auto; position: relative; }
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
.row > figure.chart { flex: 1 1 24rem; max-width: 32rem; align-self: flex-start; }
.legend i { display: inline-block; width: 8rem; height: .7rem; margin: 0 .4rem; vertical-align: middle; border-radius: 2px;
  background: linear-gradient(90deg, #440154, #414487, #2a788e, #22a884, #7ad151, #fde725); }
@media (max-width: 34rem) { .row > figure.chart { flex: 1 1 100%; } figure:not(.strip) { flex: 1 1 30%; } figure:not(.strip) img { width: 100%; } }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; border-radius: 3px; }
button, select { font: inherit; color: inherit; background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .3rem .7rem; min-height: 2.25rem; cursor: pointer; }
button:disabled { opacity: .45; cursor: default; } input[type=range] { accent-color: var(--mark); width: 100%; height: 2rem; }
svg { display: block; width: 100%; height: auto; } svg .faint { opacity: .06; }
[hidden] { display: none !important; }
[role=tablist] { display: none; flex-wrap: wrap; gap: .35rem; margin: .75rem 0; } .scripted [role=tablist] { display: flex; }
[role=tab][aria-selected=true] { background: var(--mark); color: var(--paper); border-color: var(--mark); }
.legend-keys { display: none; flex-wrap: wrap; gap: .35rem; list-style: none; margin: .75rem 0; padding: 0; } .scripted .legend-keys { display: flex; }
.legend-keys button { display: flex; align-items: center; gap: .4rem; font-size: .85rem; padding: .15rem .6rem; }
.legend-keys svg { width: 26px; height: 10px; flex: none; } .legend-keys [aria-pressed=true] { border-color: var(--ink); background: var(--paper); box-shadow: inset 0 0 0 1px var(--ink); }
.small-charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem 1.25rem; }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; margin: .75rem 0; } .controls input[type=range] { flex: 1 1 100%; }
.keys { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: .5rem 0; padding: 0; font-size: .85rem; } .keys i { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; border-radius: 2px; opacity: .6; vertical-align: -1px; }
summary { cursor: pointer; padding: .5rem 0; }
.bars { table-layout: fixed; margin-top: .75rem; } .bars th, .bars td { text-align: center; padding: 0 1px; border: 0; } .bars thead th { font-size: .8rem; color: var(--soft); font-weight: 400; }
.bars .maps img { width: 100%; border-radius: 3px; } .bars th[colspan] { text-align: left; padding: .9rem 1px .2rem; font-weight: 600; font-size: .85rem; }
.bars tbody td { border-bottom: 1px solid var(--ink); vertical-align: bottom; } .pair { display: flex; justify-content: center; align-items: flex-end; gap: 2px; }
.bar { flex: 0 1 2.4rem; min-width: 0; display: flex; flex-direction: column; align-items: center; font-size: .7rem; line-height: 1.4; color: var(--soft); }
.bar::after { content: ""; align-self: stretch; height: calc(var(--h) * 4.5rem); background: var(--own); opacity: .6; border-radius: 2px 2px 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); max-width: 50rem; } .tiles figure:not(.strip) img { width: 100%; }
@media (max-width: 34rem) { .bars.many .bar span { writing-mode: vertical-rl; } }
.hidden-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 1rem 0; padding: 0; } a { color: var(--mark); }
.tag { display: inline-block; font-size: .75rem; font-weight: 400; border: 1px solid var(--line); border-radius: 4px; padding: 0 .35rem; margin-left: .25rem; color: var(--soft); }
.tag.wrong { color: var(--bad); border-color: var(--bad); } tr.baseline th[scope=row] { color: var(--soft); font-style: italic; }
.scroll th[scope=row] { position: sticky; left: 0; background: var(--paper); max-width: 15rem; white-space: normal; z-index: 1; } tr.generator th[scope=row] { background: var(--tint); }
thead th button { border: 0; background: none; font-weight: 600; padding: 0; min-height: 0; white-space: nowrap; text-decoration: underline dotted; } th[aria-sort] button { text-decoration: underline; }
.scroll tr.generator td { font-weight: 400; } .scroll td.best, .scroll tr.generator td.best { font-weight: 700; } .mark { display: inline-block; width: 1.1em; text-align: center; } .mark.better { color: var(--good); } .mark.worse { color: var(--bad); }
.missing { display: block; } td.words, th.words { text-align: left; white-space: normal; min-width: 18rem; } code, pre { font-size: .85em; overflow-wrap: anywhere; } pre { overflow-x: auto; }
details { margin: .75rem 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.5rem; } .chart svg { margin: 0 auto; }
.side-by-side .controls { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; padding: .75rem; background: var(--tint); border-radius: 8px; position: sticky; top: 0; z-index: 2; }
.side-by-side .controls input[type=range] { flex: 1 1 8rem; } .side-by-side .controls button, .side-by-side .controls select { background: var(--paper); } .side-by-side .controls label { display: flex; align-items: center; gap: .5rem; } .side-by-side .controls .wide { flex: 1 1 14rem; } .side-by-side .controls output { min-width: 5rem; }
.cases { margin: 0 0 .75rem; padding-left: 1.25rem; color: var(--soft); font-size: .85rem; }
.side-by-side .maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .75rem; } .side-by-side .maps figure img { width: 100%; } .side-by-side .maps figure.generator figcaption { font-weight: 700; color: var(--ink); }
.stack { background: var(--image) center / 100% 100%; border-radius: 3px; } .stack .map { opacity: calc(1 - var(--overlay, 0)); }
@media (max-width: 34rem) { main { padding: 1.25rem .9rem 3rem; } .side-by-side .maps { grid-template-columns: repeat(3, 1fr); gap: .5rem; } .side-by-side .maps figure:not(.strip) { flex: none; } .scroll th[scope=row] { max-width: 9rem; } td.words, th.words { min-width: 24rem; } .side-by-side .controls { position: static; } }
`;
