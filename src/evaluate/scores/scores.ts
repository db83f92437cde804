/** The scores of METHOD §9: their table, and what computes them. */
export { describeScore, MASK_SCORES, SCORE_NAMES, SCORES, TARGET_SCORES } from './table.js';
export type { ScoreEntry, ScoreName } from './table.js';
export { BASELINES, parseScoreSettings } from './settings.js';
export type { Baseline, ScoreSettings } from './settings.js';
export { createScorer } from './scorer.js';
export type { SampleScores, Scorer, ScoreRequest } from './scorer.js';
export { scoreAgainstMask, scoreAgainstTarget } from './families.js';
