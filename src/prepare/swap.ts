// Swap: off now, and its lines in /etc/fstab made comments, so that it stays off and can come back.
import { script, sh } from '../host/shell.ts';
import { file, nothing, type Plan } from './action.ts';
import { places } from './places.ts';
import type { HostState } from './state.ts';

const mark = '# kbinit swap off: ';

/** Blanks and tabs separate the fields of fstab(5), and no other byte does; the third says what a line is. */
const isSwap = /^[ \t]*[^ \t#\r\n][^ \t\r\n]*[ \t]+[^ \t\r\n]+[ \t]+swap(?:[ \t\r\n]|$)/;

function linesOf(text: string): readonly string[] {
  return text.split(/(?<=\n)/);
}

/** fstab(5) without swap. */
export function withoutSwap(text: string): string {
  return linesOf(text)
    .map((line) => (isSwap.test(line) ? mark + line : line))
    .join('');
}

/** The lines as they were. */
export function withSwap(text: string): string {
  return linesOf(text)
    .map((line) => (line.startsWith(mark) ? line.slice(mark.length) : line))
    .join('');
}

// systemd makes units of fstab's lines: a unit that it still remembers would turn swap on again.
const off = script`swapoff -- "$@" && systemctl daemon-reload`;

/** Turn it off. */
export function planSwap(state: HostState): Plan {
  const text = state.texts.get(places.fstab) ?? '';
  const wanted = withoutSwap(text);
  const { swaps } = state;
  if (wanted === text && swaps.length === 0) return nothing;
  const mode = state.files.get(places.fstab)?.mode ?? 0o644;
  const inFstab = wanted === text ? [] : file(state, places.fstab, wanted, { mode, edit: 'fstab' });
  const zram = swaps.some((device) => device.startsWith('/dev/zram'));
  return {
    actions: [
      ...inFstab,
      ...(swaps.length === 0
        ? []
        : [
            {
              kind: 'command' as const,
              command: sh`set -- ${swaps}; ${off}`,
              why: `turn swap off (${swaps.join(', ')})`,
              before: [{ kind: 'swap' as const, devices: swaps }],
              io: { timeoutSeconds: 600, shown: sh`swapoff -- ${swaps} && systemctl daemon-reload`.text },
            },
          ]),
    ],
    ...(zram && { warnings: ['swap in zram comes back at boot: remove zram-generator or its configuration'] }),
  };
}
