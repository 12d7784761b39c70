import { FatalError } from "../workflow-errors.ts";
import { show } from "./fault.ts";

/** What a template reads is not there or cannot stand where it is filled in. It is remembered, so no later attempt fares better. */
export class UnfilledError extends FatalError {
  readonly #what: string;
  readonly #reason: string;

  /**
   * @param what a lookup as it is written, or the place it stands in
   * @param reason never with what was read
   */
  constructor(what: string, reason: string) {
    super(`Cannot fill ${what}: ${reason}`);
    this.#what = what;
    this.#reason = reason;
  }

  /** The error with the node it happened in. */
  in(nodeId: string): FatalError {
    return new FatalError(`Cannot fill ${this.#what} in node ${show(nodeId)}: ${this.#reason}`);
  }
}
