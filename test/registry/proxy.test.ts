import test from 'ava';
import { findProxy } from '../../src/registry/proxy.ts';

const PROXY = 'http://proxy.example:3128';

const CASES: readonly { url: string; no?: string; proxied: boolean }[] = [
  { url: 'https://ghcr.io/v2/', proxied: true },
  { url: 'https://localhost:5000/', proxied: false },
  { url: 'https://127.8.9.1/', proxied: false },
  { url: 'https://[::1]:5000/', proxied: false },
  { url: 'https://ghcr.io/', no: '*', proxied: false },
  { url: 'https://ghcr.io/', no: 'ghcr.io', proxied: false },
  { url: 'https://a.ghcr.io/', no: 'ghcr.io', proxied: false },
  { url: 'https://a.ghcr.io/', no: '.ghcr.io', proxied: false },
  { url: 'https://a.ghcr.io/', no: '*.ghcr.io', proxied: false },
  { url: 'https://ghcr.io/', no: '.ghcr.io', proxied: true },
  { url: 'https://notghcr.io/', no: 'ghcr.io', proxied: true },
  { url: 'https://GHCR.io/', no: ' x.y , Ghcr.IO ', proxied: false },
  { url: 'https://r.example:5000/', no: 'r.example:5000', proxied: false },
  { url: 'https://r.example/', no: 'r.example:5000', proxied: true },
  { url: 'https://r.example/', no: 'r.example:443', proxied: false },
  { url: 'https://10.1.2.3/', no: '10.0.0.0/8', proxied: false },
  { url: 'https://11.1.2.3/', no: '10.0.0.0/8', proxied: true },
  { url: 'https://10.1.2.3/', no: '10.0.0.0/99', proxied: true },
  { url: 'https://10.1.2.3/', no: '10.1.2.3', proxied: false },
  { url: 'https://[fd00::1]/', no: 'fd00::/8', proxied: false },
  { url: 'https://r.example/', no: '10.0.0.0/8', proxied: true },
];

for (const { url, no, proxied } of CASES)
  test(`${url} with NO_PROXY=${no ?? ''} ${proxied ? 'goes through the proxy' : 'goes straight'}`, (t) => {
    const env = { HTTPS_PROXY: PROXY, ...(no === undefined ? {} : { NO_PROXY: no }) };
    t.is(findProxy(new URL(url), env), proxied ? PROXY : undefined);
  });

test('each protocol has its own variable; lower case wins; a bare host is HTTP', (t) => {
  const https = new URL('https://r.example/');
  t.is(findProxy(https, { HTTP_PROXY: PROXY }), undefined);
  t.is(findProxy(new URL('http://r.example/'), { HTTP_PROXY: PROXY }), PROXY);
  t.is(findProxy(https, { HTTPS_PROXY: PROXY, https_proxy: 'other:1' }), 'http://other:1');
  t.is(findProxy(https, {}), undefined);
});
