/** Bars with their intervals, side by side where there are several series. */
import type { CustomSeriesOption } from 'echarts/charts';

import { axis, FONT, renderChart, seriesColour, type ChartOption, type SeriesStyle } from './charts.js';
import type { Markup } from './html.js';

export interface BarSeries {
  style: SeriesStyle;
  /** One a group, from 0 up. */
  bars: readonly { mean: number; low: number; high: number }[];
}

export interface BarChartOptions {
  /** What the groups are. */
  x?: string;
  y?: string;
  width: number;
  height: number;
  /** The upper end of the y axis; else as the bars have it. */
  greatest?: number;
}

/** Share of a group's width that its bars take. */
const FILLED = 0.72;
/** Of a chart, in pixels. */
const NARROW = 400;
/** Of a whisker, in pixels. */
const CAP = 3;

function bars({ style, bars: values }: BarSeries, index: number, count: number): CustomSeriesOption {
  const own = seriesColour(style);
  return {
    type: 'custom',
    data: values.map(({ mean, low, high }, group) => [group, mean, low, high]),
    encode: { x: 0, y: [1, 2, 3] },
    renderItem: (_params, api) => {
      const [group, mean, low, high] = [0, 1, 2, 3].map((k) => api.value(k) as number) as [
        number,
        number,
        number,
        number,
      ];
      const [band = 0] = api.size?.([1, 0]) as number[];
      const width = (band * FILLED) / count;
      const at = (value: number): [number, number] => api.coord([group, value]) as [number, number];
      const x = at(0)[0] + (index - (count - 1) / 2) * width;
      const [bottom, top] = [at(0)[1], at(mean)[1]];
      const line = (x1: number, y1: number, x2: number, y2: number) => ({
        type: 'line' as const,
        shape: { x1, y1, x2, y2 },
        style: { stroke: own, fill: 'none', lineWidth: 1.5 },
      });
      const [least, most] = [at(low)[1], at(high)[1]];
      const cap = Math.min(CAP, width / 3);
      return {
        type: 'group',
        children: [
          {
            type: 'rect',
            shape: { x: x - width / 2 + 0.5, y: top, width: width - 1, height: bottom - top },
            style: { fill: own, opacity: 0.55 },
          },
          line(x, least, x, most),
          line(x - cap, least, x + cap, least),
          line(x - cap, most, x + cap, most),
        ],
      };
    },
  };
}

/** A group of bars for each label, a bar for each series, its interval as a whisker. */
export function barChart(
  labels: readonly string[],
  series: readonly BarSeries[],
  { x, y, width, height, greatest }: BarChartOptions,
  description: string,
): Markup {
  const option: ChartOption = {
    grid: { left: 8, right: 8, top: 8, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'all' },
    xAxis: {
      type: 'category',
      data: [...labels],
      ...(x ? { name: x, nameLocation: 'middle' as const, nameGap: 28 } : {}),
      ...axis,
      // Small charts have no room for labels side by side.
      axisLabel: { ...axis.axisLabel, interval: 0, ...(width < NARROW ? { rotate: 50, hideOverlap: false } : {}) },
    },
    yAxis: {
      type: 'value',
      min: 0,
      ...(greatest === undefined ? {} : { max: greatest }),
      ...(y ? { name: y } : {}),
      splitNumber: 4,
      ...axis,
      nameTextStyle: { ...axis.nameTextStyle, ...FONT, align: 'left' },
    },
    series: series.map((one, i) => bars(one, i, series.length)),
  };
  return renderChart(option, { width, height }, description);
}
