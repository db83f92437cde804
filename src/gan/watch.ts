/** Tells when a GAN's discriminator has stopped teaching. */

/** What of a step the watch looks at; null where the discriminator did not learn at it. */
export interface WatchedStep {
  realAccuracy: number | null;
  fakeAccuracy: number | null;
  /** L2 norm of the adversarial loss's gradient at the generator's output. */
  adversarialGradient: number;
}

export interface WatchState {
  chance: number;
  perfect: number;
  vanished: boolean;
}

const PATIENCE = 200;
const CHANCE = 0.5;
const TOLERANCE = 0.02;
const PERFECT = 0.98;
const VANISHED = 1e-8;
// 0.52 − 0.5 is 0.020000000000000018.
const ROUNDING = 1e-9;

/**
 * Warns once each time the accuracy (of real and drawn together) stays at chance or near perfect for 200 steps of the discriminator, or
 * when the adversarial gradient vanishes; again only after it has recovered.
 */
export class DiscriminatorWatch {
  readonly #state: WatchState;

  /** @param state of a watch before, to go on from */
  constructor(state: WatchState = { chance: 0, perfect: 0, vanished: false }) {
    this.#state = { ...state };
  }

  get state(): WatchState {
    return { ...this.#state };
  }

  /** @returns what is wrong since this step, in one line; undefined if nothing new is. */
  see({ realAccuracy, fakeAccuracy, adversarialGradient }: WatchedStep): string | undefined {
    const state = this.#state;
    const warnings: string[] = [];
    if (realAccuracy !== null && fakeAccuracy !== null) {
      const accuracy = (realAccuracy + fakeAccuracy) / 2;
      state.chance = Math.abs(accuracy - CHANCE) <= TOLERANCE + ROUNDING ? state.chance + 1 : 0;
      state.perfect = accuracy > PERFECT ? state.perfect + 1 : 0;
      if (state.chance === PATIENCE)
        warnings.push(`its accuracy has stayed at chance (${CHANCE} ± ${TOLERANCE}) for ${PATIENCE} steps`);
      if (state.perfect === PATIENCE) warnings.push(`its accuracy has stayed above ${PERFECT} for ${PATIENCE} steps`);
    }
    const vanished = adversarialGradient < VANISHED;
    if (vanished && !state.vanished)
      warnings.push(`its gradient at the generator's output has vanished (${adversarialGradient})`);
    state.vanished = vanished;
    return warnings.length > 0 ? `the discriminator has stopped teaching: ${warnings.join('; ')}` : undefined;
  }
}
