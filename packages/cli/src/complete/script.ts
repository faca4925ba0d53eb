import { script } from '@bomb.sh/tab';
import { printed } from './printed.ts';

/**
 * The library's script for bash needs bash-completion, has what is typed run by `eval`, and cannot be read twice: this is
 * all that it takes.
 */
const BASH = `# bash completion for spica
_spica_complete() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line out
  [[ $cur == = ]] && cur=
  out=$(spica complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$cur" 2>/dev/null)
  COMPREPLY=()
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    case $line in
      :0) compopt -o default ;;
      :*) compopt +o default ;;
      "$cur"*) COMPREPLY+=("$line") ;;
    esac
  done <<<"$out"
}
complete -o default -F _spica_complete spica
`;

/** What a shell reads, once, to complete \`spica\` from then on. */
export function scriptFor(shell: 'bash' | 'zsh' | 'fish'): string {
  return shell === 'bash' ? BASH : printed(() => script(shell, 'spica', 'spica'));
}
