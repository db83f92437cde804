/** What a study's folder has to say, whether it is done or not: results.json and report.html. */
import { join } from 'node:path';

import { readJson, writeFileAtomic } from '../files.js';
import { studyPage } from '../report/study_page.js';
import { answerStudy, type StudyAnswers } from './answers.js';
import { readFindings } from './findings.js';
import { SETTINGS_FILE, StudyFolder } from './folder.js';
import { parseStudyOptions, recordedSettings, type StudyConfig, type StudyOptions } from './options.js';
import { planStudy, type Training } from './plan.js';

export const STUDY_FORMAT = 'cumulens.study/1';

/** What `study` gives. */
export interface StudyResult {
  /** The page to open; the same numbers are beside it in results.json. */
  page: string;
  /** Trainings done, of `trainings`. */
  done: number;
  trainings: number;
  complete: boolean;
  settings: object;
  answers: StudyAnswers;
}

export function planOf(config: StudyConfig): Training[] {
  const names = (all: readonly { name: string }[]): string[] => all.map(({ name }) => name);
  return planStudy({ ...config, cnns: names(config.cnns), data: names(config.data) });
}

/** Answers the study's questions from what is done so far, and writes both files. @throws CumulensError ERR_IO, ERR_FORMAT */
export async function sumUp(config: StudyConfig): Promise<StudyResult> {
  const plan = planOf(config);
  const findings = await readFindings(new StudyFolder(config.out), plan, config);
  const done = findings.trainings.filter(({ whole }) => whole).length;
  const result: StudyResult = {
    page: join(config.out, 'report.html'),
    done,
    trainings: plan.length,
    complete: done === plan.length,
    settings: recordedSettings(config),
    answers: await answerStudy(findings),
  };
  const json = JSON.stringify({ format: STUDY_FORMAT, ...result, page: 'report.html' }, null, 2);
  await writeFileAtomic(join(config.out, 'results.json'), `${json}\n`);
  await writeFileAtomic(result.page, studyPage(result));
  return result;
}

/** The same for a folder that a study has begun, of its own settings. @throws CumulensError ERR_IO, ERR_OPTION, ERR_FORMAT */
export async function sumUpFolder(out: string): Promise<StudyResult> {
  const settings = (await readJson(join(out, SETTINGS_FILE))) as StudyOptions;
  return sumUp(parseStudyOptions({ ...settings, out }));
}
