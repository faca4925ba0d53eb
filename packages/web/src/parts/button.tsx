import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf } from '../api/call.ts';
import { toast } from './toasts.tsx';

export interface ButtonProps {
  readonly children: ComponentChildren;
  /** While what it returns is under way, the button shows so and takes no further click. What it throws becomes a toast. */
  readonly onClick: () => unknown;
  readonly kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  /** Why it cannot be used now, shown on hover and told to screen readers. */
  readonly disabledBecause?: string | null;
  readonly label?: string;
  readonly pressed?: boolean;
}

/** A button. One that cannot be used stays reachable by keyboard, so that its reason is, too. */
export function Button({
  children,
  onClick,
  kind = 'plain',
  disabledBecause = null,
  label,
  pressed,
}: ButtonProps) {
  const [isBusy, setBusy] = useState(false);
  const isOff = disabledBecause !== null || isBusy;
  const click = async () => {
    if (isOff) return;
    setBusy(true);
    try {
      await onClick();
    } catch (error) {
      toast('bad', messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      class={`button ${kind}`}
      aria-disabled={isOff}
      aria-busy={isBusy}
      aria-label={label}
      aria-pressed={pressed}
      title={disabledBecause ?? undefined}
      onClick={click}
    >
      {children}
    </button>
  );
}
