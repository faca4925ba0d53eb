/** How many of N there are, as figures and a bar. */
export function Progress({ done, of }: { readonly done: number; readonly of: number }) {
  return (
    <span class="progress">
      <span class="num">
        {done} of {of}
      </span>
      <progress max={Math.max(1, of)} value={done} aria-label={`${done} of ${of}`} />
    </span>
  );
}
