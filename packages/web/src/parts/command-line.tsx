import { Button } from './button.tsx';
import { toast } from './toasts.tsx';

/** What to type for the same thing, with a button that copies it. */
export function CommandLine({ text }: { readonly text: string }) {
  return (
    <div class="command-line">
      <code>{text}</code>
      {/* Over plain HTTP from elsewhere a browser has no clipboard. */}
      {navigator.clipboard && (
        <Button
          kind="quiet"
          label={`Copy: ${text}`}
          onClick={async () => {
            await navigator.clipboard.writeText(text);
            toast('good', 'Copied');
          }}
        >
          Copy
        </Button>
      )}
    </div>
  );
}
