import fc from 'fast-check';

// Continuous integration looks at the same cases every time, so that it fails for what a change did; everywhere else each run
// looks at new ones.
if (process.env.CI) fc.configureGlobal({ seed: 1 });

export { fc };
