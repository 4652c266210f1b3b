// Bootstrap tokens as `token list` shows them: kubeadm's table, and its output API for scripts.
import { blocks, columns, padded } from '../util/columns.ts';
import { textWidth } from '../util/wrap.ts';
import { printTime, type StoredToken } from './bootstrap-token.ts';

type Fields = Readonly<Record<string, unknown>>;

const header = ['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS'];

/** BootstrapToken of output.kubeadm.k8s.io/v1alpha3, its fields in kubeadm's order; what a token has not is left out. */
export function tokenDocument({ token, description, expires, usages, groups }: StoredToken): Fields {
  return {
    kind: 'BootstrapToken',
    apiVersion: 'output.kubeadm.k8s.io/v1alpha3',
    token,
    ...(description === undefined || description === '' ? {} : { description }),
    ...(expires === undefined ? {} : { expires: printTime(expires) }),
    ...(usages.length === 0 ? {} : { usages }),
    ...(groups.length === 0 ? {} : { groups }),
  };
}

/**
 * The row of one token, below the header where it is the first. kubeadm lays out each row by itself, with these widths;
 * scripts that cut columns know them.
 */
export function tokenRow(token: StoredToken, now: Date, isFirst: boolean, screen: number = Infinity): string {
  const { expires, usages, description = '', groups } = token;
  const row = [
    token.token,
    padded(expires === undefined ? '<forever>' : shortDuration(expires, now), 9),
    expires === undefined ? '<never>' : printTime(expires),
    padded(usages.join(',') || '<none>', 22),
    padded(description || '<none>', 56),
    groups.join(',') || '<none>',
  ];
  const text = columns(isFirst ? [header, row] : [row]);
  if (text.split('\n').every((line) => textWidth(line) <= screen)) return text;
  return `${isFirst ? '' : '\n'}${blocks(header, [row], screen)}`;
}

const [minute, hour, day, year] = [60, 3600, 24 * 3600, 365 * 24 * 3600];

/** One figure: `23h`, `59m`, `<invalid>` for what has ended (apimachinery's ShortHumanDuration). */
export function shortDuration(end: Date, now: Date): string {
  const seconds = Math.trunc((end.getTime() - now.getTime()) / 1000);
  const whole = (unit: number): number => Math.floor(seconds / unit);
  // Two clocks may be a second apart.
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < minute) return `${seconds}s`;
  if (seconds < hour) return `${whole(minute)}m`;
  if (seconds < day) return `${whole(hour)}h`;
  return seconds < year ? `${whole(day)}d` : `${whole(year)}y`;
}
