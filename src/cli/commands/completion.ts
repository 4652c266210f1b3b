// kbinit completion: a script for the shell, made from the command tree itself.
import { Argument, Command } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type CompletionShell = (typeof shells)[number];

/** `kbinit completion bash|zsh|fish` */
export function completionCommand(root: Command): Command {
  return new Command('completion')
    .description('Print a script that completes commands and flags')
    .addArgument(new Argument('<shell>', 'for this shell').choices(shells))
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      '\nbash:  source <(kbinit completion bash)\nzsh:   source <(kbinit completion zsh)\nfish:  kbinit completion fish | source',
    )
    .action(async (shell: CompletionShell) => {
      const { completionScript } = await import('./completion-script.ts');
      process.stdout.write(completionScript(root, shell));
    });
}
