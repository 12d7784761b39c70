import * as assert from "uvu/assert";
import * as v from "valibot";
import { systemClock } from "../../lib/clock.ts";
import { findTemplateFaults } from "../../lib/flows/check-templates.ts";
import type { FlowFault } from "../../lib/flows/fault.ts";
import { ANY_TYPE } from "../../lib/flows/field-type.ts";
import type { HttpForm } from "../../lib/flows/http/http-form.ts";
import { notPublic } from "../../lib/flows/http/not-public.ts";
import type { NodeContext, NodeGivens } from "../../lib/flows/node-kind.ts";
import { createHttp, type HttpGivens } from "../../lib/flows/nodes/http.ts";
import { valuesOf } from "./values.ts";

/** What an `http` node gives. */
export interface Called {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

/** What a call finds around it. */
export interface Around {
  /** Addresses by name; another name has none. Without it the machine is asked. */
  names?: Readonly<Record<string, readonly string[]>>;
  /** Told of each question for a name. */
  asked?: string[];
  notPublic?: (address: string) => string | null;
  clock?: HttpGivens["clock"];
  ca?: string;
  state?: Readonly<Record<string, unknown>>;
  env?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

/** Runs an `http` node once, as the walk does, with the fields of `state` and the variables of `env` declared. */
export async function callHttp(form: unknown, around: Around = {}): Promise<Called> {
  assert.equal(faultsOfHttp(form, around), [], "the form has faults");
  const node = { id: "call" };
  const run = await createHttp(givensOf(around)).prepare(form as HttpForm, node, {} as NodeGivens);
  const context = {
    values: valuesOf(around.state ?? {}, {}, around.env),
    signal: around.signal ?? new AbortController().signal,
  };
  return (await run?.(context as unknown as NodeContext)) as Called;
}

/** What is wrong with a form, at `http.url` and the like. */
export function faultsOfHttp(form: unknown, { state = {}, env = {} }: Around = {}): string[] {
  const http = createHttp(givensOf({}));
  const result = v.safeParse(http.form, form);
  if (!result.success) return result.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  const faults: FlowFault[] = [];
  const fields = new Map(
    Object.keys(state).map((name) => [
      name,
      { type: ANY_TYPE, isRequired: false, isNullable: true, default: undefined },
    ]),
  );
  http.check(
    form as HttpForm,
    { id: "call" },
    {
      fields,
      fault: (place, detail) => faults.push({ place, detail }),
      templates: (value, place, { mayReadEnv } = { mayReadEnv: false }) => {
        const names = { fields, locals: new Map(), env: new Set(Object.keys(env)), mayReadEnv };
        const found = findTemplateFaults(value, place, names);
        faults.push(...found);
        return found.length === 0;
      },
      typeOf: () => ANY_TYPE,
    },
  );
  return faults.map(({ place, detail }) => `${place.join(".")}: ${detail}`);
}

function givensOf({
  names,
  asked,
  notPublic: judge = notPublic,
  clock = systemClock,
  ca,
}: Around): HttpGivens {
  const resolve = async (hostname: string): Promise<readonly string[]> => {
    asked?.push(hostname);
    const addresses = names?.[hostname];
    if (addresses === undefined) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    return addresses;
  };
  return { network: { resolve, notPublic: judge }, clock, ...(ca === undefined ? {} : { ca }) };
}
