/** Lines over time by ECharts, of which only what is used is built in. */

import { LineChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import type { Firing } from "../api/detail";
import { clockShort, clockTime } from "../state/clock";

echarts.use([LineChart, GridComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

const COLOURS = ["#5cc0e8", "#ffd23f", "#53d39b", "#ff9138", "#b084dc", "#e9eff5"];

/** Draws into a box until what comes back is called. */
export function draw(box: HTMLElement, lines: Firing["members"]): () => void {
  const chart = echarts.init(box, null, { renderer: "canvas" });
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  chart.setOption({
    animation: !still,
    color: COLOURS,
    grid: { left: 52, right: 16, top: 12, bottom: 24 },
    tooltip: {
      trigger: "axis",
      backgroundColor: "#16212d",
      borderColor: "#33475a",
      textStyle: { color: "#e9eff5", fontSize: 12 },
      axisPointer: { lineStyle: { color: "#33475a" } },
      valueFormatter: (value: unknown) => String(value),
    },
    xAxis: {
      type: "time",
      axisLabel: { color: "#8496a6", formatter: (value: number) => clockShort(value), hideOverlap: true },
      axisLine: { lineStyle: { color: "#1f2d3b" } },
      axisPointer: { label: { formatter: ({ value }: { value: number }) => clockTime(value) } },
    },
    yAxis: { type: "value", scale: true, axisLabel: { color: "#8496a6" }, splitLine: { lineStyle: { color: "#1f2d3b" } } },
    series: lines.map((line, k) => ({
      type: "line",
      name: line.asset,
      data: line.points,
      showSymbol: line.points.length < 30,
      symbolSize: 5,
      lineStyle: { width: 1.6 },
      ...(line.threshold != null && lines.findIndex((l) => l.threshold === line.threshold) === k
        ? {
            markLine: {
              silent: true,
              symbol: "none",
              label: { color: "#ff9138", formatter: "{c}", position: "insideEndTop" },
              lineStyle: { color: "#ff9138", type: "dashed" },
              data: [{ yAxis: line.threshold }],
            },
          }
        : {}),
    })),
  });
  const watch = new ResizeObserver(() => chart.resize());
  watch.observe(box);
  return () => {
    watch.disconnect();
    chart.dispose();
  };
}
