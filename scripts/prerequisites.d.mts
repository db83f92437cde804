export interface Check {
  name: string;
  ok: boolean;
  needed: string;
  found: string;
  command?: string;
  /** What to do where it is missing. */
  fix?: string;
}

export function checkNode(version?: string): Check;
export function checkCompiler(env?: NodeJS.ProcessEnv): Check;
export function checkCmake(env?: NodeJS.ProcessEnv): Check;
export function checkMake(env?: NodeJS.ProcessEnv): Check;
export function checkPython(env?: NodeJS.ProcessEnv): Check;
export function checkNvcc(env?: NodeJS.ProcessEnv): Check;
export function installCommand(what: string, env?: NodeJS.ProcessEnv): string;
export function which(command: string, env?: NodeJS.ProcessEnv): string | undefined;
