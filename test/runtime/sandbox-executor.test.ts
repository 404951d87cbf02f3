import { join } from 'node:path';
import test from 'ava';
import { createExecutor } from '../../src/runtime/index.ts';
import { testExecutor } from '../contracts/executor.ts';
import { type ContainerFixture, makeContainerFixture, writeTree } from './fixture.ts';

let fixture: ContainerFixture | undefined;
test.after.always(() => fixture?.dispose());

let trees = 0;

testExecutor('sandbox', async () => {
  const made = await makeContainerFixture();
  fixture = made;
  return {
    executor: createExecutor(),
    makeRoot: () => made.makeRoot(),
    listChanges: ({ upper = '' }) => made.changes(upper),
    makeTree: (entries) => writeTree(join(made.directory, `tree${trees++}`), entries),
  };
});
