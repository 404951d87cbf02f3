import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const ExposeProtoCasing: Rule = {
  name: 'ExposeProtoCasing',
  description: 'The protocol in EXPOSE is in lower case',
  url: docsUrl('expose-proto-casing'),
};

export const ExposeInvalidFormat: Rule = {
  name: 'ExposeInvalidFormat',
  description: 'EXPOSE names ports of the container only; addresses and ports of the host will be an error',
  url: docsUrl('expose-invalid-format'),
};

/** One port, variables replaced: `[[ip:]host:]port[/protocol]`. */
export function checkPort(lint: Linter, port: string, token: SourceRange): void {
  const parts = port.split(':');
  const protocol = parts.at(-1)?.split('/').slice(1).join('/') ?? '';
  // Another protocol is an error, which the conversion finds.
  if (!/^(?:tcp|udp|sctp)?$/i.test(protocol)) return;
  if (protocol !== protocol.toLowerCase())
    lint.warn(ExposeProtoCasing, `the protocol of ${port} is not in lower case`, token);
  if (parts.slice(0, -1).some((part) => part !== ''))
    lint.warn(
      ExposeInvalidFormat,
      `${port} names something of the host, which has no effect: only the port counts`,
      token,
    );
}
