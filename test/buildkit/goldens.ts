/** Of one fixture, the beginnings of digests, in the order of the graph and with spaces between. */
export interface Golden {
  /** Record digests of the steps. */
  readonly steps: string;
  /** Of what they read of contexts. */
  readonly contents: string;
}

/** As docker 28.5 (BuildKit 0.25) had them in the cache that it exported of each fixture. */
export const GOLDENS: Readonly<Record<string, Golden>> = {
  run: {
    steps:
      '6c95c80399 b05a3f0dd2 d534b2a696 7fcd5d702c 2741865b7c dd8f3f138b 53f97606a4 f6515d8afd 1e3a62a140 41546439a0 ' +
      '49f1adbc91 3d2af23230',
    contents: '',
  },
  'run-heredoc': {
    steps: '6c95c80399 b05a3f0dd2 3cc73afc79 01654a1b7e d468e12f52 a9386f3bfd ff5131489a e00998e30a',
    contents: '',
  },
  'run-mounts': {
    steps:
      '6c95c80399 b05a3f0dd2 759e89c796 8627c6ea99 fe1b8b40ed 9351989bd8 d645175077 a850f80f28 f0c5acdce5 3c46e07584 ' +
      '0a3413c771 cf1196f35a d672782737 a764b02b3a 757b98a978 127c722994 4791280e63 cd16c5d2ce 8ec1e4941b',
    contents: '63c2cd4621 2433535c89 2433535c89 c24a47b576 f373692c16 44706b671b 9efb57d84c',
  },
  'cache-defaults': {
    steps:
      '6c95c80399 b05a3f0dd2 7d4ac2dbd3 7d4ac2dbd3 7d4ac2dbd3 d41c010666 63c8337c7b 9bdbaa37fa 43e322dc5c 43e322dc5c ' +
      '7d4ac2dbd3 7d4ac2dbd3 7d4ac2dbd3 f6515d8afd 34ae469b7d 34ae469b7d 34ae469b7d 34ae469b7d 34ae469b7d',
    contents: '0b029890de 0b029890de',
  },
  'cache-owned-tree': {
    steps:
      '6c95c80399 b05a3f0dd2 a33bbb0277 6dfb4c08f4 6cf9f6999b 0a4d2a0703 a1bf66f08a df348485b2 71132d0110 37d6bc2400',
    contents: '48d0fe87ff',
  },
  'run-same-base': {
    steps: '6c95c80399 b05a3f0dd2 a33bbb0277 636e73e9cd 611d7b6a0b',
    contents: '',
  },
  'run-secrets': {
    steps:
      '6c95c80399 b05a3f0dd2 2581875f05 529550ea3e f2025a2d6a f6ed54210c 4af8528473 27baae7ebc 0e1700b4b1 d357c0b355 ' +
      'fe8bef1f5d',
    contents: '',
  },
  'run-flags': {
    steps: '6c95c80399 b05a3f0dd2 13cdfdbcda 51edcc00e2 51edcc00e2',
    contents: '',
  },
  copy: {
    steps:
      '6c95c80399 b05a3f0dd2 00b3525dfd b63d8dbf0f 88a3b3b62d 9a966afe1d b143ecc441 cf763a4580 58ed79cc0a f6515d8afd ' +
      '4adf7cf457 4adf7cf457 a846a495d2 f223988ff2 e269a8a771 e22d529c4a 98db0c4e76 1f570117c0 00a1b2da75 7088425453 ' +
      'd588af1e6a 84e67d1709 09c1c9b4f9 97ecd9eea6 4be93e6dab 138432c649 8fce4a6779',
    contents:
      'c24a47b576 c24a47b576 34a6257659 63c2cd4621 63c2cd4621 63c2cd4621 63c2cd4621 c24a47b576 c24a47b576 c24a47b576 ' +
      '61099a02b0 100edd9be7 0b029890de 9888950220 c24a47b576 63c2cd4621 89d195aefe cb52e678ce 89d195aefe 770a56339c ' +
      'f373692c16 2433535c89 2433535c89 c24a47b576',
  },
  'copy-owners': {
    steps:
      '6c95c80399 b05a3f0dd2 39f218f5d5 8fa00180e5 492812764f b8f8e3e094 e316fb4236 cf9921dd9a 02a2f0606c 3ae8a75b46 ' +
      'a3406a0ff2 adc5734b81 33a37aab7c 93d828fffb 9ff99fe9e4',
    contents:
      'c24a47b576 c24a47b576 c24a47b576 63c2cd4621 c24a47b576 c24a47b576 34a6257659 c24a47b576 63c2cd4621 c24a47b576 ' +
      'c24a47b576',
  },
  'copy-patterns': {
    steps:
      '6c95c80399 b05a3f0dd2 4f0e88fe48 4cd08107cd 9db1cf3320 15ee4fd68f 868f435f85 7dbbe6ce39 7e95087c01 23eed409d9 ' +
      'c838e2483a f58eab9bd9 fac61ff77a d537529786 673e5accba',
    contents:
      '896506a670 4816172be2 f7d862f787 35dc300be8 22b2877862 eb46ce5ea4 4242f35985 3d944d5152 f7d862f787 dc96db13f6 ' +
      '133a7054f4 155be46329 222aede8c6',
  },
  'copy-exclude': {
    steps:
      '6c95c80399 b05a3f0dd2 94b21be1f5 d3b039d3ad 6e34d883fa 4fa49c836d 9a5d2a6914 2703d0c09c 7f03141a14 934016a672 ' +
      '8c2ec0839e e4aa7bd3ee',
    contents:
      '2869300062 c87d313b31 1c67f67f98 b58f6cd83b 3ea05474f6 60b109781f d0a2917471 3debde3281 948e27b7d7 c24a47b576',
  },
  'copy-from': {
    steps:
      '6c95c80399 b05a3f0dd2 9346b62cbb d89efd8e22 41292fc968 9db1cf3320 66de1cddd1 ae4458f92e 7094a48808 4b385cd502 ' +
      '5ae36e3de8 47aa7241a6 f1603046cb 2e60525d0a 7868830794',
    contents: '',
  },
  'copy-heredoc': {
    steps:
      '6c95c80399 b05a3f0dd2 468fb6d511 f2cb4e6f18 d3cc69d99a c35a2d64ea bc6d90e981 b36b0a8b20 92bb001fe4 52994ef522 ' +
      'db5d8d58c9 0ed062da97 776e78a345',
    contents: 'c24a47b576',
  },
  'copy-link': {
    steps:
      '6c95c80399 b05a3f0dd2 26da9ad77b d1e5772fda 5dbfbafede 65cf856f45 5dbfbafede 63312846a7 5dbfbafede a33bbb0277 ' +
      'f59d0de27c 5dbfbafede 29e84e91b8 ddc417ae5c 5dbfbafede 2950c9cb88 9a966afe1d',
    contents: 'c24a47b576 9f99b2f7ee 63c2cd4621 c24a47b576 c24a47b576',
  },
  add: {
    steps: '6c95c80399 b05a3f0dd2 136262a6b2 57fb605bff 6d40737da1 05b2554fd9 669ae9d86a',
    contents: 'c24a47b576 63c2cd4621 9f99b2f7ee 2869300062 c24a47b576',
  },
  'add-git': {
    steps:
      '6c95c80399 b05a3f0dd2 2a71c7e685 9872822875 2a71c7e685 2bd1c0bd8f a7c39587ae 8ae36e44c3 a7c39587ae a6524a6010 ' +
      '2a71c7e685 deb71ef01c 2a71c7e685 5e133695bc 2a71c7e685 959ba22ebf 2f5859efd6 294f664667 2f5859efd6 24b6545bf1 ' +
      'f3aa9a9040 32f92df6e3 936e51b7d3 ec7e78cd7c 8a40b5fc03 d65530e51e 2f5859efd6 03a0776f4d 27967abd1f e1b4dbf7d8 ' +
      '16bccda7a8 b75c4fc231 ba48a2345a',
    contents: '',
  },
  ignore: {
    steps: '6c95c80399 b05a3f0dd2 4c389a366b b8c418af3a 3fa3de5825 8bd618f301 4e3f6add70',
    contents: 'c2070c9877 0f88b1dec0 17703f1330 0b029890de 340f02a0eb',
  },
  stages: {
    steps: '6c95c80399 b05a3f0dd2 6ad0b73a50 faf1045bba 2edd6b0df4 9b890a9ed5 5ad7b8612f 05464ea32f a6b70989be',
    contents: '',
  },
  scratch: {
    steps: '91c7f709dd f6515d8afd a47c226589',
    contents: 'c24a47b576 63c2cd4621',
  },
  'workdir-epoch': {
    steps:
      '6c95c80399 b05a3f0dd2 43e5e904ca 8fd4e4e157 e975db0850 00b3525dfd 1599bbf774 468fb6d511 00b9ec89cc 1722fd0dbf ' +
      '6b03b17b1d',
    contents: '34a6257659 c24a47b576',
  },
  'workdir-late-epoch': {
    steps: 'c8703461d2 f33549503f',
    contents: 'c24a47b576',
  },
  platform: {
    steps: '6c95c80399 b05a3f0dd2 6159bca1b7 58e6c94b84 b7f67c4b3d',
    contents: '',
  },
  contexts: {
    steps: '6c95c80399 b05a3f0dd2 d4999d77cc b8c418af3a 31400cd8d0 74eb949678',
    contents: '3927e4518f f1e0428229 f1e0428229 8a6d06266e',
  },
  paths: {
    steps:
      '6c95c80399 b05a3f0dd2 fded062683 9c77e4047e 86ee09c5af fbc4eb98de 354c9d46bb 985e34b2c7 b034dc84aa 24260794ba ' +
      '846204af7a 9c1dfe3e9e 61f15f76b6 266b48bde3 cb1bc3ef8e 8276693ffe d7dff2209f',
    contents:
      'c24a47b576 c24a47b576 c24a47b576 c24a47b576 c24a47b576 c24a47b576 c24a47b576 63c2cd4621 b52d9733ee b52d9733ee ' +
      '4503e8971d 2433535c89 2433535c89',
  },
  'nothing-sent': {
    steps: '6c95c80399 b05a3f0dd2 4be93e6dab',
    contents: 'cd6670267f',
  },
};
