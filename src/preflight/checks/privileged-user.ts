// IsPrivilegedUser: commands on the host run as root.
import { error, type Check } from '../check.ts';

const name = 'IsPrivilegedUser';

/** The root batch of every command (spec 03 §1). */
export const isPrivilegedUser: Check = {
  name,
  run: ({ survey }) =>
    survey.uid === 0
      ? []
      : [error(name, `commands on the host run with user id ${survey.uid}`, 'log in as root or as a user with sudo')],
};
