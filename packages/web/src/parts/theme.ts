import { effect, signal } from '@preact/signals';

/** As the system has it, until somebody chooses. */
export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'spica-theme';

export const theme = signal<Theme>(stored());
/** Goes up when colours have changed: what draws on a canvas draws again. */
export const colours = signal(0);

effect(() => {
  const { value } = theme;
  if (value === 'auto') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', value);
  colours.value = colours.peek() + 1;
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  colours.value += 1;
});

/** Keeps the choice in this browser, where it keeps anything. */
export function chooseTheme(next: Theme): void {
  theme.value = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing has it for this visit.
  }
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'auto';
  } catch {
    return 'auto';
  }
}
