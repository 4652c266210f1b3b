// The flags of commands whose answer can be printed in several forms.

/** kubeadm's printer flags, by name. */
export const outputFlags: readonly string[] = [
  'output',
  'allow-missing-template-keys',
  'no-allow-missing-template-keys',
  'show-managed-fields',
];
