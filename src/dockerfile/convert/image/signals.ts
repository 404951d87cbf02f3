const NAMES = new Set(
  (
    'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP ' +
    'TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'
  ).split(' '),
);

/** Whether docker knows the signal: a number but 0, or a name with or without `SIG`, `RTMIN+n`, `RTMAX-n`. */
export function isSignal(text: string): boolean {
  if (/^[-+]?\d+$/.test(text)) return Number(text) !== 0;
  const name = text.toUpperCase().replace(/^SIG/, '');
  if (NAMES.has(name)) return true;
  const [, base, offset] = /^(RTMIN\+|RTMAX-)([1-9]\d?)$/.exec(name) ?? [];
  return base !== undefined && Number(offset) <= (base === 'RTMIN+' ? 15 : 14);
}
