import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { colours } from '../../../parts/theme.ts';

/**
 * Keeps a plot in an element: made anew when the theme changes, as wide as the element, with the latest figures.
 *
 * @param make Makes it, from colours as they are.
 */
export function usePlot(make: (element: HTMLElement) => uPlot, data: uPlot.AlignedData) {
  const ref = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(data);
  latest.current = data;
  const theme = colours.value;
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const made = make(element);
    made.setData(latest.current);
    plot.current = made;
    const size = new ResizeObserver(() => {
      const width = Math.max(200, element.clientWidth);
      if (width !== made.width) made.setSize({ width, height: made.height });
    });
    size.observe(element);
    return () => {
      size.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme]);
  useEffect(() => plot.current?.setData(data), [data]);
  return ref;
}
