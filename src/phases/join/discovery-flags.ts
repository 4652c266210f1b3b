// The flags by which a join finds its cluster.

export const discoveryFlags: readonly string[] = [
  'discovery-file',
  'discovery-token',
  'discovery-token-ca-cert-hash',
  'discovery-token-unsafe-skip-ca-verification',
  'tls-bootstrap-token',
  'token',
  'token-file',
];
