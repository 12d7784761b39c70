import type { RejectionDetails, RejectionReason } from "../rejection.ts";
import type { Provider } from "../schemes/providers.ts";
import type { Known } from "./known.ts";
import type { Refused } from "./refused.ts";
import type { SignedTimes } from "./signed-times.ts";
import type { Trials } from "./trials.ts";

/** What a refusal came of. */
export interface Diagnosis {
  readonly reason: RejectionReason;
  /** What else two refusals have in common to be the same: a variable, a URL, a form. Never what strangers make up. */
  readonly subject: string;
  readonly isProven: boolean;
  readonly advice: string;
  readonly details: RejectionDetails;
}

/** A refused delivery with all that is needed to look at it. */
export interface Case {
  readonly refused: Refused;
  readonly provider: Provider;
  readonly known: Known;
  readonly trials: Trials;
  readonly times: SignedTimes;
  /** The setting of the provider's secret, by both its names. */
  readonly secretSetting: string;
}
