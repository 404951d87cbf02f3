// A Debian base on which apt-get installs a compiler, a C program compiled from source, and an image FROM scratch that
// others run: runc after umoci unpacked it, and docker after docker load.

import { BASE_NEEDS } from '../support/bases.ts';
import { DOCKERD_NEEDS, startDockerd } from '../support/dockerd.ts';
import { missingNeeds } from '../support/machine.ts';
import { testNeeding } from '../support/needs.ts';
import { RUN_IMAGE_NEEDS, runImage } from '../support/run-image.ts';
import { makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';

const DOCKERFILE = `ARG REGISTRY
FROM $REGISTRY/debian:1 AS build
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY hello.c .
RUN gcc -O2 -static -Wall -Werror -o /hello hello.c
FROM scratch
COPY --from=build --chmod=755 /hello /bin/hello
USER 1000:1000
ENV GREETING=hello
ENTRYPOINT ["/bin/hello"]
CMD ["world"]
`;

const SOURCE = `#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  printf("%s, %s (uid %d)\\n", getenv("GREETING"), argc > 1 ? argv[1] : "nobody", (int)getuid());
  return 0;
}
`;

testNeeding(
  [...SETTING_NEEDS, ...BASE_NEEDS.debian, ...RUN_IMAGE_NEEDS],
  'a program compiled on Debian runs from scratch under runc, and under docker where there is one',
  async (t) => {
    t.timeout(240_000);
    const setting = await makeSetting(t, ['debian']);
    const context = setting.context({ Dockerfile: DOCKERFILE, 'hello.c': SOURCE });
    const built = await setting.build(context, 'hello');
    t.is(built.code, 0, outputOf(built));

    const layout = `${setting.work}/hello-oci.tar`;
    const saved = await setting.tsbuild.run(['save', '--format', 'oci', '-o', layout, 'hello:1']);
    t.is(saved.code, 0, outputOf(saved));
    const ran = await runImage(layout, '1');
    t.is(ran.stdout, 'hello, world (uid 1000)\n', outputOf(ran));

    const again = await setting.build(context, 'hello');
    t.is(again.code, 0, outputOf(again));
    t.notRegex(outputOf(again), /^#\d+ \d+\.\d+ /m, 'no step of a second build says anything: none ran');

    if (missingNeeds(DOCKERD_NEEDS).length > 0) {
      t.log('docker is not installed: not run under docker');
      return;
    }
    const archive = `${setting.work}/hello-docker.tar`;
    t.is((await setting.tsbuild.run(['save', '-o', archive, 'hello:1'])).code, 0);
    const docker = await startDockerd();
    t.teardown(() => docker.stop());
    const loaded = await docker.run(['load', '-i', archive]);
    t.is(loaded.code, 0, outputOf(loaded));
    const output = await docker.run(['run', '--rm', '--network=none', 'hello:1', 'docker']);
    t.is(output.stdout, 'hello, docker (uid 1000)\n', outputOf(output));
  },
);
