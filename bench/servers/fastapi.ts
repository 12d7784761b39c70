import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { SECRET } from "../deliveries.ts";
import { BENCH } from "../root.ts";
import type { Command } from "../server-process.ts";

const PROGRAM = "/usr/bin/python3";

/** FastAPI and SQLAlchemy from the system's packages; the server itself is fastapi.py. */
export function fastapi(database: string): Command {
  return {
    program: PROGRAM,
    // Not by its path alone: Python would put the folder of the file first, and import it as `fastapi`.
    args: ["-P", join(BENCH, "servers", "fastapi.py")],
    env: { BENCH_DATABASE: database, BENCH_SECRET: SECRET },
  };
}

/** Why it can't be measured; null where it can. */
export function missingFastapi(): string | null {
  try {
    execFileSync(PROGRAM, ["-P", "-c", "import fastapi, sqlalchemy, uvicorn"], { stdio: "ignore" });
    return null;
  } catch {
    return "not installed; Debian has it as python3-fastapi, python3-sqlalchemy and python3-uvicorn";
  }
}

/** Such as `fastapi 0.92.0, SQLAlchemy 1.4.46, uvicorn 0.17.6 (httptools, uvloop)`. */
export function fastapiVersions(): string {
  const script = [
    "import fastapi, sqlalchemy, uvicorn, importlib.util as u",
    "fast = [n for n in ('httptools', 'uvloop') if u.find_spec(n)]",
    "print(f'FastAPI {fastapi.__version__}, SQLAlchemy {sqlalchemy.__version__}, uvicorn {uvicorn.__version__}'",
    "  + (f' ({\", \".join(fast)})' if fast else ''))",
  ].join("\n");
  return execFileSync(PROGRAM, ["-P", "-c", script], { encoding: "utf8" }).trim();
}
