import type { NodeKind } from "./node-kind.ts";
import { exec } from "./nodes/exec.ts";
import { http } from "./nodes/http.ts";
import { prompt } from "./nodes/prompt.ts";
import { run } from "./nodes/run.ts";
import { set } from "./nodes/set.ts";
import { workflow } from "./nodes/workflow.ts";

/** The kinds of nodes by the key that makes a node one. Each knows the form of its own value only. */
export const KINDS: ReadonlyMap<string, NodeKind> = new Map(
  Object.entries({ set, run, workflow, http, exec, prompt }) as unknown as [string, NodeKind][],
);
