/** Why a call failed, without its subject: who throws it knows the reason, `nodes/http.ts` puts method and URL before. */
export class CallFailure extends Error {
  override name = "CallFailure";
  /** True where no later attempt gets anything else, or where it would repeat what has been done. */
  readonly isFinal: boolean;
  /** When the server asks to be called again, in milliseconds from now; null where it does not say. */
  readonly afterMs: number | null;

  constructor(
    reason: string,
    { isFinal = false, afterMs = null }: { isFinal?: boolean; afterMs?: number | null } = {},
  ) {
    super(reason);
    this.isFinal = isFinal;
    this.afterMs = afterMs;
  }
}
