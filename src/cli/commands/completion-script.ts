// Completion scripts: the words and flags that may follow each path of the command tree, as tables a shell can read.
import type { Command, Option } from 'commander';

interface Flag {
  readonly names: readonly string[];
  readonly help: string;
  readonly takesValue: boolean;
  readonly takesPath: boolean;
  readonly choices: readonly string[];
}

/** One command of the tree: `init phase certs`. */
interface Place {
  readonly path: string;
  readonly children: readonly { readonly name: string; readonly help: string }[];
  /** What its argument may be, where that is a choice. */
  readonly words: readonly string[];
  readonly flags: readonly Flag[];
}

function flagOf(option: Option): Flag {
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    help: option.description,
    takesValue: !option.isBoolean(),
    takesPath: /<path>/.test(option.flags),
    choices: option.argChoices ?? [],
  };
}

function placesOf(command: Command, path: readonly string[] = []): readonly Place[] {
  const help: Flag = {
    names: ['-h', '--help'],
    help: 'show the flags',
    takesValue: false,
    takesPath: false,
    choices: [],
  };
  const here: Place = {
    path: path.join(' '),
    children: command.commands.map((child) => ({ name: child.name(), help: child.description() })),
    words: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    flags: [...command.options.filter((option) => !option.hidden).map(flagOf), help],
  };
  return [here, ...command.commands.flatMap((child) => placesOf(child, [...path, child.name()]))];
}

/** The script for a shell. */
export function completionScript(root: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const places = placesOf(root);
  if (shell === 'fish') return fishScript(places);
  const bash = bashScript(places);
  // zsh runs bash's functions, and shows the same.
  return shell === 'bash' ? bash : `#compdef kbinit\nautoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function bashScript(places: readonly Place[]): string {
  const tables = places.map(({ path, children, words, flags }) => {
    const values = flags.filter(({ takesValue }) => takesValue).flatMap(({ names }) => names);
    return [
      `    ${quote(path)})`,
      `      children=${quote(children.map(({ name }) => name).join(' '))} words=${quote(words.join(' '))}`,
      `      flags=${quote(flags.flatMap(({ names }) => names).join(' '))}`,
      `      valued=${quote(values.join(' '))}`,
      '      ;;',
    ].join('\n');
  });
  const choices = uniqueFlags(places).flatMap(({ names, choices: known, takesPath }) => {
    if (known.length > 0) {
      return [`    ${names.join('|')}) COMPREPLY=($(compgen -W ${quote(known.join(' '))} -- "$cur")); return ;;`];
    }
    return takesPath ? [`    ${names.join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;`] : [];
  });
  return `# bash completion of kbinit; made by \`kbinit completion bash\`
_kbinit_place() {
  case "$1" in
${tables.join('\n')}
    *) return 1 ;;
  esac
}
_kbinit() {
  local cur prev word path='' children words flags valued index skip=0
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  _kbinit_place ''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if ((skip)); then skip=0; continue; fi
    case "$word" in
      -*) [[ " $valued " == *" $word "* ]] && skip=1; continue ;;
    esac
    if [[ " $children " == *" $word "* ]]; then path="\${path:+$path }$word"; _kbinit_place "$path"; fi
  done
  case "$prev" in
${choices.join('\n')}
  esac
  if [[ " $valued " == *" $prev "* ]]; then return; fi
  if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); else COMPREPLY=($(compgen -W "$children $words" -- "$cur")); fi
}
complete -o default -F _kbinit kbinit
`;
}

function uniqueFlags(places: readonly Place[]): readonly Flag[] {
  return [...new Map(places.flatMap(({ flags }) => flags).map((flag) => [flag.names.join(), flag])).values()];
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, children, words, flags }) => {
    const when = `-n ${quote(`test (__kbinit_path) = ${JSON.stringify(path)}`)}`;
    return [
      ...children.map(({ name, help }) => `complete -c kbinit -f ${when} -a ${quote(name)} -d ${quote(help)}`),
      ...words.map((word) => `complete -c kbinit -f ${when} -a ${quote(word)}`),
      ...flags.map(({ names, help, takesValue, takesPath, choices }) => {
        const spelled = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
        const value =
          choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : takesPath ? ' -r -F' : takesValue ? ' -x' : '';
        return `complete -c kbinit ${when} ${spelled.join(' ')}${value} -d ${quote(help)}`;
      }),
    ];
  });
  const paths = places.map(({ path }) => quote(path)).join(' ');
  return `# fish completion of kbinit; made by \`kbinit completion fish\`
function __kbinit_path
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l longer (string trim "$path $word")
    if contains -- "$longer" ${paths}
      set path $longer
    end
  end
  echo "$path"
end
complete -c kbinit -f
${lines.join('\n')}
`;
}
