// The phases of `node remove` in their order.
import type { Phase } from '../../workflow/phase.ts';
import type { NodeRemoveContext } from './context.ts';
import { drain } from './drain.ts';
import { removalPreflight } from './preflight.ts';
import { removeNodeMember } from './remove-etcd-member.ts';
import { removeNode } from './remove-node.ts';

export const nodeRemovePhases: readonly Phase<NodeRemoveContext>[] = [
  removalPreflight,
  drain,
  removeNodeMember,
  removeNode,
];
