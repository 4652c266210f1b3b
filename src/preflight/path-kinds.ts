// What a path on a host is, links followed, in the words of the survey.

export const pathKinds = [
  'missing',
  'file',
  'directory',
  'socket',
  'character device',
  'block device',
  'pipe',
] as const;
export type PathKind = (typeof pathKinds)[number];
