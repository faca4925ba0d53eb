interface GridKeys {
  readonly current: number;
  readonly total: number;
  /** Rows of one screen. */
  readonly perPage: number;
  readonly goTo: (index: number) => void;
  readonly open: (index: number) => void;
  readonly onChoose: (index: number, isRange: boolean) => void;
  readonly onChooseAll: (isAll: boolean) => void;
}

/** What keys do in the list. Those of the browser, with Ctrl, Alt or Meta, stay the browser's. */
export function useGridKeys({ current, total, perPage, goTo, open, onChoose, onChooseAll }: GridKeys) {
  const places: Readonly<Record<string, number>> = {
    ArrowDown: current + 1,
    j: current + 1,
    J: current + 1,
    ArrowUp: current - 1,
    k: current - 1,
    K: current - 1,
    PageDown: current + perPage,
    PageUp: current - perPage,
    Home: 0,
    End: total - 1,
  };
  return (event: KeyboardEvent): void => {
    const isOnGrid = event.target === event.currentTarget;
    if (event.ctrlKey || event.metaKey || event.altKey || !isOnGrid) return;
    const place = places[event.key];
    if (place !== undefined) {
      const next = Math.max(0, Math.min(place, total - 1));
      if (event.shiftKey) {
        onChoose(current, true);
        onChoose(next, true);
      }
      goTo(next);
    } else if (event.key === 'Enter') open(current);
    else if (event.key === ' ') onChoose(current, event.shiftKey);
    else if (event.key === 'a') onChooseAll(true);
    else if (event.key === 'Escape') onChooseAll(false);
    else return;
    event.preventDefault();
  };
}
