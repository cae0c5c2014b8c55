import { Logger } from '@nestjs/common';

export type NestLogLine = Readonly<Record<string, unknown>> & {
  readonly event?: string;
  readonly level: string;
};

/** Captures what is logged through Nest from now on, in a test without a service. */
export function captureNestLogs(): NestLogLine[] {
  const lines: NestLogLine[] = [];
  const at = (level: string) => (message: unknown) => {
    lines.push({ ...(typeof message === 'object' ? message : { msg: message }), level });
  };
  Logger.overrideLogger({
    log: at('log'),
    warn: at('warn'),
    error: at('error'),
    debug: at('debug'),
    verbose: at('verbose'),
  });
  return lines;
}
