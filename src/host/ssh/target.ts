// How a host is written: `[user@]address[:port]`, IPv6 in brackets where a port follows. Pure.

/** What was written; the SSH configuration knows the rest. */
export interface Target {
  readonly user?: string;
  readonly address: string;
  readonly port?: number;
}

/** Read a target; undefined where the text names no host. */
export function readTarget(text: string): Target | undefined {
  const match =
    /^(?:([A-Za-z0-9_.][^@\s]*)@)?(?:\[([0-9A-Fa-f:.%a-z]+)\]|([A-Za-z0-9_][A-Za-z0-9_.-]*)|([0-9A-Fa-f:]+:[0-9A-Fa-f:.]*))(?::(\d{1,5}))?$/.exec(
      text,
    );
  const [, user, bracketed, name, bare, portText] = match ?? [];
  const address = bracketed ?? name ?? bare;
  const port = portText === undefined ? undefined : Number(portText);
  if (address === undefined || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
  return { address, ...(user !== undefined && { user }), ...(port !== undefined && { port }) };
}
