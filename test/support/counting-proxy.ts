import { request as ask } from 'node:http';
import { startWebServer, type WebServer } from './web-server.ts';

/** Stands before a server of plain HTTP (`host` is `127.0.0.1:<port>`), passes everything on, and remembers what was asked. */
export function startCountingProxy(host: string): Promise<WebServer> {
  const { hostname, port } = new URL(`http://${host}`);
  return startWebServer((request, response) => {
    const { method, url: path, headers } = request;
    const onward = ask({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });
}
