// completion: what a shell offers while a command is typed.

import { type Command } from 'commander'
import { usage } from '../exit.ts'

export const completionCommands = (root: Command): void => {
  root
    .command('completion <shell>')
    .description('completion of commands: eval "$(sfx completion bash)", or zsh')
    .action((shell: string) => {
      const script = { bash: bashScript, zsh: zshScript }[shell]
      if (script === undefined) throw usage('The shell is bash or zsh.')
      process.stdout.write(script(wordsOf(root)))
    })
}

/** For each command, what may follow it. */
const wordsOf = (command: Command, path = 'sfx'): [string, string[]][] => [
  [
    path,
    [
      ...command.commands.map((child) => child.name()),
      ...command.options.flatMap(({ long }) => (long == null ? [] : [long])),
    ],
  ],
  ...command.commands.flatMap((child) => wordsOf(child, `${path} ${child.name()}`)),
]

const bashScript = (words: [string, string[]][]): string => `_sfx() {
  local path=sfx word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " \${_sfx_paths} " in *":$path $word:"*) path="$path $word";; esac
  done
  case "$path" in
${words.map(([path, next]) => `    '${path}') COMPREPLY=($(compgen -W '${next.join(' ')}' -- "\${COMP_WORDS[COMP_CWORD]}"));;`).join('\n')}
  esac
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
_sfx_paths='${words.map(([path]) => `:${path}:`).join(' ')}'
complete -o filenames -F _sfx sfx
`

const zshScript = (words: [string, string[]][]): string =>
  `autoload -U +X bashcompinit && bashcompinit\n${bashScript(words)}`
