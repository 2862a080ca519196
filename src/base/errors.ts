/** The one error class, and the codes by which programs know an error. Each code is explained in docs/errors.md. */

export const ERROR_CODES = [
  // what the user typed or asked for
  "USAGE",
  "BAD_NAME",
  "BAD_PEER_ID",
  "PEER_UNKNOWN",
  "PEER_IS_SELF",
  "PEER_BLOCKED",
  "NAME_CHANGED",
  "MESSAGE_EMPTY",
  "MESSAGE_TOO_LARGE",
  "MESSAGE_UNKNOWN",
  "MESSAGE_SENT",
  "OUTBOX_FULL",
  // this machine
  "BUN_TOO_OLD",
  "PORT_IN_USE",
  "HOST_UNAVAILABLE",
  "HOME_UNWRITABLE",
  "IDENTITY_IN_USE",
  "KEY_CORRUPT",
  "CERTIFICATE_INVALID",
  "STORE_CORRUPT",
  "STORE_NEWER",
  "STORE_FAILED",
  "STORE_UNREACHABLE",
  "STORE_FOREIGN",
  "BACKUP_INVALID",
  "BACKUP_UNWANTED",
  "CLOSED",
  // another peer
  "PEER_UNREACHABLE",
  "PEER_REFUSED",
  "PEER_MISMATCH",
  "PEER_SILENT",
  "TWO_INSTANCES",
  "MESSAGES_LOST",
  "FRAME_TOO_LARGE",
  "FRAME_MALFORMED",
  "PROTOCOL_VIOLATION",
  "CONNECTION_LOST",
  // the registry
  "REGISTRY_UNREACHABLE",
  "REGISTRY_UNTRUSTED",
  "REGISTRY_UNUSABLE",
  "REGISTRY_CHANGED",
  "REGISTRY_MOVED",
  "REGISTRY_STALE",
  "TRANSFER_INVALID",
  "NAME_TRANSFERRED",
  "NOT_REACHABLE",
  "REGISTRY_REFUSED",
  "REGISTRY_BUSY",
  "INVITE_NEEDED",
  "INVITE_INVALID",
  "KEY_BLOCKED",
  "NAME_TAKEN",
  "RECORD_INVALID",
  "RECORD_STALE",
  "RATE_LIMITED",
  // bots
  "PLUGIN_INVALID",
  "PLUGIN_LOAD_FAILED",
  "CONFIG_MISSING",
  "CONFIG_INVALID",
  "VALUE_INVALID",
  "BOT_CRASHED",
  "HANDLER_FAILED",
  "HANDLER_TIMEOUT",
  "DIALOG_TIMEOUT",
  "JOBS_FULL",
  "JOB_UNKNOWN",
  "RECORDING_FAILED",
  // calls
  "CALL_TIMEOUT",
  "CALL_NOT_SENT",
  "RESULT_INVALID",
  "COMMAND_UNKNOWN",
  "COMMAND_ARGUMENTS",
  "COMMAND_DENIED",
  "COMMAND_TOO_SOON",
  "COMMAND_UNCONFIRMED",
  "COMMAND_FAILED",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error that a user can meet. The message is one line: what happened, what was expected, what to do. */
export class WarrenError extends Error {
  override readonly name = "WarrenError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is Warren's own with one of `codes` (any code, if none is given). */
export function isWarrenError(error: unknown, ...codes: ErrorCode[]): error is WarrenError {
  return error instanceof WarrenError && (codes.length === 0 || codes.includes(error.code));
}

/** One line about anything that was thrown, for logs and for people. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split("\n", 1)[0] ?? "";
}
