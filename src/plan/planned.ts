// The event of an operation that a recorder did not do: its line is made of it.
import type { RunEvent } from '../report/events.ts';
import { opAction, opText, type Op } from './op.ts';

/** `content` is what it will hold, or how that changes, for a person. */
export function planned(host: string, op: Op, content?: string): RunEvent {
  return {
    kind: 'plan',
    host,
    action: opAction(op),
    text: opText(op),
    ...(content === undefined ? {} : { content }),
    op,
  };
}
