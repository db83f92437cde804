import { expect } from 'chai';
import fc from 'fast-check';

import { DiscriminatorWatch } from '../dist/gan/watch.js';

const step = (accuracy, adversarialGradient = 1e-3) => ({
  realAccuracy: accuracy,
  fakeAccuracy: accuracy,
  adversarialGradient,
});

/** The 1-based steps that warn. */
function warnings(steps, watch = new DiscriminatorWatch()) {
  return steps.flatMap((one, i) => (watch.see(one) ? [i + 1] : []));
}

describe('DiscriminatorWatch', () => {
  it('warns once when the accuracy stays at chance for 200 steps', () => {
    expect(warnings(Array(500).fill(step(0.5)))).to.deep.equal([200]);
    expect(warnings(Array(250).fill(step(0.52)))).to.deep.equal([200]);
    expect(warnings(Array(250).fill(step(0.48)))).to.deep.equal([200]);
    expect(warnings(Array(250).fill(step(0.53)))).to.deep.equal([]);
    // All called drawn: right on one half.
    expect(warnings(Array(250).fill({ realAccuracy: 0, fakeAccuracy: 1, adversarialGradient: 1 }))).to.deep.equal([
      200,
    ]);
  });

  it('warns once when it stays above 0.98', () => {
    expect(warnings(Array(500).fill(step(1)))).to.deep.equal([200]);
    expect(warnings(Array(250).fill(step(0.98)))).to.deep.equal([]);
  });

  it('starts to count anew after one other step', () => {
    const almost = Array(199).fill(step(1));
    expect(warnings([...almost, step(0.7), ...almost])).to.deep.equal([]);
    expect(warnings([...almost, step(0.7), ...almost, step(1)])).to.deep.equal([400]);
    expect(warnings([...Array(200).fill(step(1)), step(0.7), ...Array(200).fill(step(1))])).to.deep.equal([200, 401]);
  });

  it('does not count steps at which the discriminator did not learn', () => {
    const idle = { realAccuracy: null, fakeAccuracy: null, adversarialGradient: 1 };
    expect(
      warnings(
        Array(400)
          .fill([step(1), idle])
          .flat(),
      ),
    ).to.deep.equal([399]);
  });

  it('warns when the adversarial gradient vanishes, and again after it came back', () => {
    expect(warnings([step(0.7), step(0.7, 1e-9), step(0.7, 0), step(0.7, 1e-8), step(0.7, 9e-9)])).to.deep.equal([
      2, 5,
    ]);
    expect(new DiscriminatorWatch().see(step(0.7, 1e-9))).to.match(
      /gradient at the generator's output has vanished \(1e-9\)/,
    );
  });

  it('goes on from its state as if it had never stopped', () => {
    const kinds = fc.constantFrom(step(0.5), step(1), step(0.7), step(1, 1e-9), {
      realAccuracy: null,
      fakeAccuracy: null,
      adversarialGradient: 1,
    });
    const runs = fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 260 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(runs, fc.nat(), (parts, at) => {
        const steps = parts.flatMap(([kind, times]) => Array(times).fill(kind));
        const cut = at % steps.length;
        const first = new DiscriminatorWatch();
        const before = warnings(steps.slice(0, cut), first);
        const after = warnings(steps.slice(cut), new DiscriminatorWatch(JSON.parse(JSON.stringify(first.state))));
        expect([...before, ...after.map((i) => i + cut)]).to.deep.equal(warnings(steps));
      }),
    );
  });
});
