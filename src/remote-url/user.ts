/** Who a URL of the web says that is asking. */
export interface UrlUser {
  readonly user: string;
  readonly password: string;
}

/** `undefined` where it names nobody. */
export function userOf({ username, password }: URL): UrlUser | undefined {
  if (username === '' && password === '') return undefined;
  return { user: decodePart(username), password: decodePart(password) };
}

/** A part of a URL without its escapes; what no encoder writes is taken as it is. */
export function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
