// The phases of `kbinit lb apply` in their order.
import type { Phase } from '../../workflow/phase.ts';
import { backends } from './backends.ts';
import type { LbContext } from './context.ts';
import { haproxy } from './haproxy.ts';
import { keepalived } from './keepalived.ts';
import { lbPreflight } from './preflight.ts';

export const lbPhases: readonly Phase<LbContext>[] = [lbPreflight, haproxy, keepalived, backends];
