import test from 'ava';
import { makeHosts } from '../../src/runtime/hosts.ts';
import { makeResolvConf } from '../../src/runtime/resolv-conf.ts';

const PUBLIC =
  'nameserver 8.8.8.8\nnameserver 8.8.4.4\nnameserver 2001:4860:4860::8888\nnameserver 2001:4860:4860::8844\n';

function make(network: 'host' | 'none', files: Readonly<Record<string, string>>): string {
  return makeResolvConf(network, (path) => files[path] ?? '');
}

test('on the host’s network the host’s own file, loopback servers included', (t) => {
  const content = '# note\nnameserver 127.0.0.53\nsearch lan\noptions edns0\n';
  t.is(make('host', { '/etc/resolv.conf': content }), content);
});

test('elsewhere without loopback servers, which would be another loopback', (t) => {
  const content = 'nameserver 127.0.0.1\nnameserver ::1\n nameserver  10.0.0.1\nsearch lan\n';
  t.is(make('none', { '/etc/resolv.conf': content }), ' nameserver  10.0.0.1\nsearch lan\n');
});

test('behind systemd-resolved its real servers', (t) => {
  const files = {
    '/etc/resolv.conf': 'nameserver 127.0.0.53\n',
    '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.1\nsearch corp\n',
  };
  t.is(make('none', files), 'nameserver 192.0.2.1\nsearch corp\n');
});

test('public servers where none is left or there is no file', (t) => {
  t.is(make('none', { '/etc/resolv.conf': 'search lan\nnameserver 127.0.0.1' }), `search lan\n${PUBLIC}`);
  t.is(make('none', {}), PUBLIC);
  t.is(make('host', {}), PUBLIC);
  t.is(make('host', { '/etc/resolv.conf': 'search lan' }), `search lan\n${PUBLIC}`);
});

test('hosts has loopback, the container’s own name and what was added', (t) => {
  t.is(
    makeHosts('box', [
      { host: 'db', ip: '10.0.0.2' },
      { host: 'six', ip: '2001:db8::1' },
    ]),
    '127.0.0.1\tlocalhost box\n::1\tlocalhost ip6-localhost ip6-loopback\n10.0.0.2\tdb\n2001:db8::1\tsix\n',
  );
});
