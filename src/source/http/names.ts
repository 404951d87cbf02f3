import { fileNameOf } from '../../remote-url/index.ts';

const UNNAMED = 'download';

/** What a download is called, when nobody says so: by its Content-Disposition (RFC 6266), else by the URL. */
export function nameDownload(url: string, disposition: string | undefined): string {
  return (disposition === undefined ? undefined : dispositionName(disposition)) ?? fileNameOf(url) ?? UNNAMED;
}

/** The last part of the `filename` parameter, which must be a name and no directory. */
function dispositionName(header: string): string | undefined {
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header)?.[1];
  const [, quoted, plain] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(header) ?? [];
  const given = decode(extended) ?? quoted?.replace(/\\(.)/g, '$1') ?? plain;
  const name = given?.endsWith('/') ? undefined : given?.split('/').at(-1);
  return name === undefined || name === '' || name === '.' || name === '..' || name.includes('\0') ? undefined : name;
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
