import { Doctor } from "../../lib/doctor/doctor.ts";
import { knownSecrets } from "../../lib/doctor/known.ts";
import type { InvalidSignatureError } from "../../lib/errors.ts";
import { splitUrl } from "../../lib/incoming.ts";
import type { Rejection } from "../../lib/rejection.ts";
import type { SchemeOptions } from "../../lib/scheme.ts";
import { resolveProviders } from "../../lib/schemes/providers.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { recordingLog, type TestLatchhook } from "../support/open-latchhook.ts";

/** A delivery as it reaches the server. */
export interface Arrival {
  readonly provider: string;
  /** The public URL that the server works out; null where it knows none. */
  readonly url: string | null;
  /** Path and query as they arrived; those of the URL where it is left out. */
  readonly target?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly method?: string;
}

export interface ClinicSettings {
  readonly secrets: Readonly<Record<string, string | readonly string[]>>;
  readonly schemes?: Readonly<Record<string, string | SchemeOptions>>;
  readonly verifyTokens?: Readonly<Record<string, string | readonly string[]>>;
  readonly random?: () => number;
}

/** A doctor with the server's own verifiers before it and no server around it. */
export interface Clinic {
  readonly doctor: Doctor;
  readonly clock: ManualClock;
  readonly lines: TestLatchhook["lines"];
  /** MACs of each diagnosis. */
  readonly macs: number[];
  /** Verifies it; null where it holds, else the request's id. The doctor is told and not waited for. */
  arrive(arrival: Arrival): string | null;
  /** Lets the doctor look at whatever waits. */
  settle(): Promise<void>;
  /** Has one delivery refused and looked at. */
  see(arrival: Arrival): Promise<Rejection>;
}

const TURNS_MAX = 100;

export function openClinic({
  secrets,
  schemes = {},
  verifyTokens = {},
  random = () => 0.5,
}: ClinicSettings): Clinic {
  const clock = new ManualClock();
  const lines: TestLatchhook["lines"] = [];
  const macs: number[] = [];
  const { providers } = resolveProviders({
    secrets,
    schemes,
    allowUnsigned: [],
    providers: [],
    verifyTokens,
    rateLimits: {},
    triggers: [],
    adminTokens: [],
    knowsUrl: true,
  });
  const known = { providers, secrets: knownSecrets({ secrets, verifyTokens }) };
  const log = recordingLog(lines);
  const doctor = new Doctor({ clock, log, random, known, onDiagnosed: (count) => void macs.push(count) });
  let count = 0;
  let held = 0;
  const clinic: Clinic = {
    doctor,
    clock,
    lines,
    macs,
    arrive({ provider: name, url, target, headers, body, method = "POST" }) {
      const provider = providers.get(name);
      if (provider === undefined) throw new Error(`Cannot find ${name}`);
      const delivery = { method, url, headers: new Headers(headers), body };
      const requestId = `req_${++count}`;
      try {
        if (provider.secrets.length === 0) throw Object.assign(new Error(), { reason: "no_secret" });
        provider.verifier.verify(delivery, clock.now());
        doctor.verified(provider);
        return null;
      } catch (error) {
        const verdict = (error as InvalidSignatureError).reason;
        if (verdict === undefined) throw error;
        const { path, query } = splitUrl(url ?? "http://localhost/");
        doctor.refused({ ...delivery, provider, verdict, requestId, target: target ?? path + query });
        held = macs.length + 1;
        return requestId;
      }
    },
    async settle() {
      await clock.advance(1_100);
      // A look takes real turns, in which the clock may be moved on; so the next one is due a little later.
      for (let turn = 0; turn < TURNS_MAX && (macs.length < held || clock.pending > 0); turn++)
        await clock.advance(250);
    },
    async see(arrival) {
      const requestId = clinic.arrive(arrival);
      if (requestId === null) throw new Error("Cannot see a delivery that holds");
      await clinic.settle();
      const found = doctor.rejections().find((one) => one.requestId === requestId);
      if (found === undefined) throw new Error(`Cannot find ${requestId}`);
      return found;
    },
  };
  return clinic;
}
