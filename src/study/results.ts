/** What a study's folder has to say, whether it is done or not: results.json and report.html. */
import { join } from 'node:path';

import { describeScore, type ScoreName } from '../evaluate/scores/scores.js';
import { parseScoreSettings } from '../evaluate/scores/settings.js';
import { softwareVersions } from '../evaluate/versions.js';
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
  /** How each score of the answers was computed, in words. */
  scores: Partial<Record<ScoreName, string>>;
  /** Of the software that summed up: cumulens, node, torch. */
  versions: Record<string, string>;
  answers: StudyAnswers;
}

function scoresOf({ questions }: StudyAnswers, { curveSteps }: StudyConfig): StudyResult['scores'] {
  const settings = parseScoreSettings({ steps: curveSteps });
  const names = new Set(questions.flatMap(({ overall }) => overall.map(({ score }) => score)));
  return Object.fromEntries([...names].map((name) => [name, describeScore(name, settings)]));
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
  const answers = await answerStudy(findings);
  const result: StudyResult = {
    page: join(config.out, 'report.html'),
    done,
    trainings: plan.length,
    complete: done === plan.length,
    settings: recordedSettings(config),
    scores: scoresOf(answers, config),
    versions: softwareVersions(),
    answers,
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
