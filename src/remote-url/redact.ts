/** What stands for a value that nobody is to read. */
const HIDDEN = '***';

/** Parameters of a query that open something: tokens, keys, signatures of storage services. */
const SECRET_PARAMETER =
  /([?&;](?:[\w-]{0,64}(?:token|signature|secret|passw(?:or)?d|credential|api[-_]?key|accesskeyid)|sig)=)([^&;#\s"']+)/gi;

/** A URL for messages and records: without the user and password that may stand in it, and without tokens and signatures of its query. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1').replace(SECRET_PARAMETER, `$1${HIDDEN}`);
}

/** The user of ssh is part of the address; in a URL of the web it may be a token. */
const WEB_USER = /\b(https?:\/\/)([^\s/?#"'<>]+)@/gi;
const OTHER_PASSWORD = /\b((?!https?:)[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/?#"'<>:@]*:)([^\s/?#"'<>]+)(?=@)/gi;

/** A text for messages and records with every URL in it redacted. */
export function redactUrls(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(WEB_USER, '$1').replace(OTHER_PASSWORD, `$1${HIDDEN}`).replace(SECRET_PARAMETER, `$1${HIDDEN}`);
}

/** As `redactUrls`, for texts that are pointed into: each character that is hidden leaves one in its place. */
export function maskUrls(text: string): string {
  if (!text.includes('://')) return text;
  const mask = (_: string, before: string, hidden: string): string => before + '*'.repeat(hidden.length);
  return text
    .replace(WEB_USER, (all, before: string, hidden: string) => `${mask(all, before, hidden)}@`)
    .replace(OTHER_PASSWORD, mask)
    .replace(SECRET_PARAMETER, mask);
}
