/** Charts as static SVG that takes its colours from the page's style sheet, so that they are right in light and in dark. */
import { createHash } from 'node:crypto';

import { CustomChart, LineChart, ScatterChart, type CustomSeriesOption, type LineSeriesOption } from 'echarts/charts';
import { GridComponent, MarkLineComponent, type GridComponentOption } from 'echarts/components';
import { init, use, type ComposeOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

import { escapeHtml, Markup } from './html.js';

use([CustomChart, LineChart, ScatterChart, GridComponent, MarkLineComponent, SVGRenderer]);

export type ChartOption = ComposeOption<CustomSeriesOption | LineSeriesOption | GridComponentOption>;

/** Colours by the names of the style sheet's variables; c0 … c7 tell series apart. */
export const CHART_COLOURS = ['ink', 'soft', 'line', 'bad', 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'] as const;
export type ChartColour = (typeof CHART_COLOURS)[number];

/** How a series looks, the same in every chart of a page. `id` becomes a class of everything that is drawn of it. */
export interface SeriesStyle {
  id: number;
  colour: ChartColour;
  dash: 'solid' | 'dashed' | 'dotted';
  width: number;
}

/** ECharts must be given colours, and knows no variables: each name stands as a colour that nothing else has, and is put back after. */
const sentinel = (kind: number, index: number): string =>
  `#fe${[kind, index].map((n) => n.toString(16).padStart(2, '0')).join('')}`;
const colour = (name: ChartColour): string => sentinel(0, CHART_COLOURS.indexOf(name));

/** A series' own: two of them, for its lines and for its areas. */
export const seriesColour = ({ id, colour: name }: SeriesStyle): string =>
  sentinel(1 + CHART_COLOURS.indexOf(name), id);

function paint(attribute: string, kind: number, index: number): string {
  const name = CHART_COLOURS[kind === 0 ? index : kind - 1] ?? 'ink';
  const style = `style="${attribute}:var(--${name})"`;
  return kind === 0 ? style : `data-series="${index}" ${style}`;
}

/**
 * Draws a chart. It scales with its box, up to `width`.
 * @param description what it shows, for those who do not see it
 */
export function renderChart(option: ChartOption, size: { width: number; height: number }, description: string): Markup {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({ animation: false, ...option });
    return new Markup(tidy(chart.renderToSVGString(), description));
  } finally {
    chart.dispose();
  }
}

const CLIP = 'clip-path-of-this-chart-';

/** Makes the SVG part of a page: no names that two charts share, no name spaces, no fixed size, our colours. */
function tidy(svg: string, description: string): string {
  const clean = svg
    .replace(/<style >[\s\S]*?<\/style>/, '')
    .replace(/ class="[^"]*"| ecmeta_\w+="[^"]*"| xml:space="preserve"| pointer-events="visible"/g, '')
    .replace(/(fill|stroke)="#fe([0-9a-f]{2})([0-9a-f]{2})"/g, (_, attribute: string, kind: string, index: string) =>
      paint(attribute, parseInt(kind, 16), parseInt(index, 16)),
    )
    .replace(/style="font-size:(\d+)px;font-family:[^"]*"/g, 'font-size="$1"')
    .replace(/<svg [^>]*viewBox="([^"]*)">/, (_, box: string) => {
      const width = box.split(' ')[2] ?? '';
      return `<svg viewBox="${box}" role="img" aria-label="${escapeHtml(description)}" style="max-width:${width}px">`;
    })
    .replace(/\n\s*/g, '')
    .replace(/zr\d+-c/g, CLIP);
  // The renderer counts its charts; a name made of what is drawn is the same in every process.
  const digest = createHash('sha256').update(clean).digest('hex').slice(0, 12);
  return clean.replaceAll(CLIP, `clip-${digest}-`);
}

export const FONT = { fontFamily: 'sans-serif', fontSize: 13 };
export const axis = {
  axisLine: { lineStyle: { color: colour('line') } },
  axisTick: { show: false },
  axisLabel: { color: colour('soft'), ...FONT, hideOverlap: true },
  splitLine: { lineStyle: { color: colour('line') } },
  nameTextStyle: { color: colour('soft'), ...FONT },
};

/** Where a value must not lie beyond. */
export interface Threshold {
  at: number;
  label: string;
}

/** A value with its interval. */
export interface IntervalRow {
  label: string;
  mean: number;
  low: number;
  high: number;
  style: SeriesStyle;
}

/** In pixels: the whole chart, and what of it the rows' labels may take before they go on in a second line. */
export interface IntervalChartSize {
  width: number;
  labels: number;
}

const ROW = 22;
const ROW_OF_TWO_LINES = 32;
/** About what a character of a label takes, in pixels. */
const CHARACTER = 6.5;

/** Where an axis of intervals must end, for the threshold to be seen. */
function reaching(threshold: Threshold | undefined, rows: readonly IntervalRow[]): { min?: number; max?: number } {
  if (!threshold) return {};
  if (rows.every(({ high }) => high < threshold.at)) return { max: threshold.at };
  return rows.every(({ low }) => low > threshold.at) ? { min: threshold.at } : {};
}

/** Means as dots with their intervals as bars, a row each, the first on top. */
export function intervalChart(
  rows: readonly IntervalRow[],
  description: string,
  threshold?: Threshold,
  { width, labels }: IntervalChartSize = { width: 420, labels: 165 },
): Markup {
  const row = rows.some(({ label }) => label.length * CHARACTER > labels) ? ROW_OF_TWO_LINES : ROW;
  const size = { width, height: rows.length * row + (threshold ? 52 : 36) };
  const option: ChartOption = {
    grid: {
      // Labels are measured for a font that may be narrower than the reader's.
      left: 12 + Math.min(labels / 8, Math.max(0, ...rows.map(({ label }) => label.length))),
      right: 16,
      top: threshold ? 20 : 4,
      bottom: 4,
      outerBoundsMode: 'same',
      outerBoundsContain: 'all',
    },
    xAxis: { type: 'value', scale: true, splitNumber: 4, ...axis, ...reaching(threshold, rows) },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ label }) => label),
      ...axis,
      axisLabel: {
        ...axis.axisLabel,
        color: colour('ink'),
        interval: 0,
        width: labels,
        overflow: 'break',
        lineHeight: 13,
        hideOverlap: false,
      },
    },
    series: [
      {
        type: 'custom',
        data: rows.map(({ low, mean, high }, i) => [low, mean, high, i]),
        encode: { x: [0, 1, 2], y: 3 },
        renderItem: (_params, api) => {
          const index = api.value(3) as number;
          const at = (value: number): number => api.coord([value, index])[0] as number;
          const y = api.coord([0, index])[1] as number;
          const [low, mean, high] = [0, 1, 2].map((k) => at(api.value(k) as number)) as [number, number, number];
          const own = seriesColour((rows[index] as IntervalRow).style);
          const line = { x1: low, y1: y, x2: high, y2: y };
          return {
            type: 'group',
            children: [
              {
                type: 'line',
                shape: line,
                style: { stroke: own, fill: 'none', lineWidth: 3, opacity: 0.45, lineCap: 'round' },
              },
              { type: 'circle', shape: { cx: mean, cy: y, r: 4.5 }, style: { fill: own } },
            ],
          };
        },
      },
      ...(threshold ? [thresholdLine(threshold, 'xAxis')] : []),
    ],
  };
  return renderChart(option, size, description);
}

function thresholdLine({ at, label }: Threshold, along: 'xAxis' | 'yAxis'): LineSeriesOption {
  return {
    type: 'line',
    data: [],
    markLine: {
      symbol: 'none',
      silent: true,
      data: [{ [along]: at }],
      lineStyle: { color: colour('bad'), type: 'dashed', width: 1.5 },
      label: {
        formatter: label,
        color: colour('bad'),
        ...FONT,
        position: along === 'xAxis' ? 'start' : 'insideStartTop',
      },
    },
  };
}

export interface Curve {
  points: readonly { x: number; mean: number; low: number; high: number }[];
  style: SeriesStyle;
}

export interface CurveChartOptions {
  x: string;
  y: string;
  /** Ends of the y axis; else as the curves have them. */
  least?: number;
  greatest?: number;
  threshold?: Threshold;
}

/** Mean curves with their intervals as bands; the page's legend says which is which. */
export function curveChart(curves: readonly Curve[], options: CurveChartOptions, description: string): Markup {
  const { x, y, least, greatest, threshold } = options;
  const series = curves.flatMap(({ points, style }, i): LineSeriesOption[] => {
    const own = seriesColour(style);
    const common = { type: 'line' as const, showSymbol: false, symbol: 'none' };
    const band = { ...common, stack: `band ${i}`, lineStyle: { opacity: 0 } };
    return [
      { ...band, data: points.map((point) => [point.x, point.low]), stackStrategy: 'all' },
      {
        ...band,
        data: points.map((point) => [point.x, point.high - point.low]),
        areaStyle: { color: own, opacity: 0.12 },
        stackStrategy: 'all',
      },
      {
        ...common,
        data: points.map((point) => [point.x, point.mean]),
        lineStyle: { color: own, width: style.width, type: style.dash },
      },
    ];
  });
  const option: ChartOption = {
    grid: { left: 8, right: 16, top: 8, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'all' },
    xAxis: { type: 'value', min: 0, max: 1, name: x, nameLocation: 'middle', nameGap: 26, ...axis },
    yAxis: {
      type: 'value',
      ...(least === undefined ? {} : { min: least }),
      ...(greatest === undefined ? {} : { max: greatest }),
      name: y,
      ...axis,
      nameTextStyle: { ...axis.nameTextStyle, align: 'left' },
    },
    series: [...series, ...(threshold ? [thresholdLine(threshold, 'yAxis')] : [])],
  };
  return renderChart(option, { width: 520, height: 340 }, description);
}
