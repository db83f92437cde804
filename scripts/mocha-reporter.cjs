// mocha's spec reporter, closed by one plain line: N passed, N failed. CI adds up the runs' totals from $CUMULENS_TEST_TOTALS.
const { appendFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const skipped = pending ? `, ${pending} skipped` : '';
      console.log(`${passes} passed, ${failures} failed${skipped}`);
      const totals = process.env.CUMULENS_TEST_TOTALS;
      if (totals) appendFileSync(totals, `${passes} ${failures} ${pending}\n`);
    });
  }
};
