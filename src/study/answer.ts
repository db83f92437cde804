/** What a question of a study is answered with. */

/** yes, no: the rule holds or fails in every cell; mixed: in some; open: nothing was tried. */
export type Answer = 'yes' | 'no' | 'mixed' | 'open';

const WORDS = { yes: 'Yes', no: 'No', mixed: 'In part' };

/** @param held in how many of the cells the rule holds @param found what was found, in words */
export function answerOf(held: number, cells: number, found: string): { answer: Answer; text: string } {
  if (cells === 0) return { answer: 'open', text: 'Nothing that answers this was run.' };
  const answer = held === cells ? 'yes' : held === 0 ? 'no' : 'mixed';
  return { answer, text: `${WORDS[answer]}: ${found}` };
}
