import { useEffect, useRef, useState } from 'preact/hooks';

/** A value that changes often, taken over at most each `ms`: the first change at once, the last one always. */
export function useCalm<T>(value: T, ms = 1_500): T {
  const [calm, setCalm] = useState(value);
  const takenAt = useRef(0);
  useEffect(() => {
    if (Object.is(value, calm)) return;
    const wait = Math.max(0, takenAt.current + ms - Date.now());
    const timer = setTimeout(() => {
      takenAt.current = Date.now();
      setCalm(value);
    }, wait);
    return () => clearTimeout(timer);
  }, [value, calm, ms]);
  return calm;
}
