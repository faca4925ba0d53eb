import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

/** Pixels. */
export const ROW_HEIGHT = 34;
const OVERSCAN = 4;

/** Which rows of a long list are to be drawn, and where: those that are seen, and some around them. */
export function useVirtual(
  scroller: RefObject<HTMLElement | null>,
  { count, first, head }: { readonly count: number; readonly first: number; readonly head: number },
): Virtualizer<HTMLElement, Element> {
  const [, draw] = useReducer((drawn: number) => drawn + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    paddingStart: head,
    scrollPaddingStart: head,
    initialOffset: first * ROW_HEIGHT,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => draw(0),
  };
  const kept = useRef<Virtualizer<HTMLElement, Element> | null>(null);
  kept.current ??= new Virtualizer<HTMLElement, Element>(options);
  const virtual = kept.current;
  virtual.setOptions(options);
  useLayoutEffect(() => virtual._didMount(), []);
  useLayoutEffect(() => virtual._willUpdate());
  return virtual;
}
